"""Retraining on what the deployed quantizer really emits (Borzechowski et al., 2024), and past that.

`synthesis`  the synthesis alone, distortion only, on cached latents of the quantizer
`noise`      its control: as many steps on latents with uniform noise instead
`entropy`    hyper-synthesis and context networks, rate only, on indices that the quantizer chooses anew at every step
`exact`      the same as `entropy`, having made these networks exact: the same numbers on every processor
`decoder`    both together, the quantizer in the loop
`joint`      all weights: the analysis learns the quantizer too
`rounding`   its control: as many steps with the stand-ins of pretraining instead, rounding and noise

A stage retrains any `Subject`: a model that this project exported, or a researcher's own (docs/retraining.md).
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from trellic.codec.deployed import DeployedQuantizer
from trellic.entropy.parameters import ONE
from trellic.model.file import ModelFile
from trellic.model.networks import Floats, Networks
from trellic.networks.codec import distortion
from trellic.networks.exact import fit_grids
from trellic.networks.gains import rate_weight
from trellic.networks.retrainable import Coded, Retrainable
from trellic.quantize import quantizer_named
from trellic.train.config import TrainConfig
from trellic.train.data import Crops, Pixels
from trellic.train.judge import cost, judge, share_of_weight
from trellic.train.pretrain import initial_model, loss_of, loss_weight
from trellic.train.processes import rank, wait_for_all, world
from trellic.train.search import QuantizerSearch

FIXED_POINT = 32
"""Cached latents are kept in 1/32 of the unit: an error a thousandth of what quantizing makes."""
CACHE_BATCH = 4
FITTED_QUALITIES = 6
"""How many batches, from the lowest quality to the highest, show the grids of exact networks what to hold."""


class Subject(NamedTuple):
    """What is retrained for what: a model, the quantizer that is deployed with it, and weights of its search.

    weights  what an error in each latent channel is worth, float32 (C,), by quality 0 to 1
    """

    model: Retrainable
    deployed: DeployedQuantizer
    weights: Callable[[float], Floats]

    @classmethod
    def of(cls, config: TrainConfig, pixels: Pixels) -> "Subject":
        """Return the exported model that a configuration starts from, with its quantizer."""
        networks = Networks(ModelFile.read(Path(config.start)))
        deployed = deploy(networks, config)
        return cls(initial_model(config, pixels), deployed, networks.weights)


def deploy(networks: Networks, config: TrainConfig) -> DeployedQuantizer:
    """Return the quantizer that a model is retrained for: as it is set up, or by the configuration's setting."""
    deployed = DeployedQuantizer.of(networks, quantizer_named(config.quantizer))
    return deployed.with_operating_point(round(config.step * ONE), config.rate_weight) if config.step else deployed


class Retraining:
    """What all stages share: the subject, its quantizer's search, and judgement by it."""

    trained: tuple[str, ...]
    """Parts of the model that are trained."""

    def __init__(self, config: TrainConfig, pixels: Pixels, held_out: Tensor, cache: Path, subject: Subject) -> None:
        self.config, self.pixels, self.held_out, self.cache = config, pixels, held_out, cache
        self.model, self.deployed, self.weights = subject
        prefixes = tuple(prefix for part in self.trained for prefix in self.model.parts[part])
        for name, weight in self.model.named_parameters():
            weight.requires_grad_(name.startswith(prefixes))
        self.prepare()

    def prepare(self) -> None:
        """Find `share`: what λ is multiplied by to be the slope of the quantizer's curve, for the model at the start.

        Not when it is first needed: a run that goes on from a checkpoint would find another one.
        """
        judged = self._judged(self.model)
        self.share = share_of_weight(judged["bpp"], judged["mse"])

    def search(self, quality: Tensor) -> QuantizerSearch:
        """Return the search for a batch at qualities (N, 1, 1, 1)."""
        return QuantizerSearch(self.deployed, self.weights, self.model.groups, quality)

    def begin(self, seed: int) -> None:
        """Start drawing crops by a seed."""
        self.crops = Crops(self.config, self.pixels, seed)

    def judge(self, model: Retrainable) -> dict[str, Any]:
        """Return rate, distortion and cost on held-out pictures, by the deployed quantizer."""
        judged = self._judged(model)
        return {**judged, "share": self.share, "cost": cost(judged["bpp"], judged["mse"], self.share)}

    def _judged(self, model: Retrainable) -> dict[str, Any]:
        def code(model: Retrainable, pictures: Tensor, quality: Tensor) -> Coded:
            coded: Coded = model(pictures, quality, self.search(quality))
            return coded

        return judge(model, self.held_out, code)


class Decoder(Retraining):
    """All that a decoder has, R + λD, on what the quantizer makes at every step of latents that stay as they are."""

    trained: tuple[str, ...] = ("entropy", "synthesis")

    def loss(self, progress: float) -> Tensor:
        """Return the loss of a new batch."""
        pictures, quality = self.crops.draw(progress)
        return loss_of(self.model, pictures, quality, self.search(quality), self.share)


class Joint(Decoder):
    """The analysis too, gradients straight through the quantizer."""

    trained = ("analysis", "entropy", "synthesis")


class Rounding(Joint):
    """The control of `Joint`."""

    def loss(self, progress: float) -> Tensor:
        """Return the loss of a new batch."""
        return loss_of(self.model, *self.crops.draw(progress))


class Entropy(Retraining):
    """The networks that predict latents, by the bits of the indices that the quantizer now chooses."""

    trained = ("entropy",)

    def loss(self, progress: float) -> Tensor:
        """Return the loss of a new batch."""
        pictures, quality = self.crops.draw(progress)
        with torch.no_grad():
            latents = self.model.analyse(pictures, quality)
        coded = self.model.code_latents(latents, quality, self.search(quality))
        return (loss_weight(quality.flatten()) * coded.latent_bits / pictures[0, 0].numel()).mean()


class Exact(Entropy):
    """The same on entropy networks that have just become exact: their grids are fitted first."""

    def prepare(self) -> None:
        """Fit the grids, then find what follows from the networks with them."""
        crops = Crops(self.config, self.pixels, self.config.seed)

        def show() -> None:
            for share in torch.linspace(0, 1, FITTED_QUALITIES):
                pictures, _ = crops.draw(0.0)
                quality = share.expand(len(pictures), 1, 1, 1)
                self.model.code_latents(self.model.analyse(pictures, quality), quality, self.search(quality))

        fit_grids(self.model, show)
        super().prepare()


class Synthesis(Retraining):
    """The synthesis and its gains, by distortion alone, on latents that were quantized once and kept on disk."""

    trained = ("synthesis",)

    def prepare(self) -> None:
        """Name the place of the latents by all that they follow from, before anything is trained."""
        super().prepare()
        crops, given = self.config, self.deployed
        which = (crops.pictures, crops.crop, crops.cached, crops.seed)
        key = hashlib.sha256(repr((type(self).__name__, which, given.quantizer.name, given.operating_points)).encode())
        arrays = [given.tables.frequency, given.offsets, self.weights(0.0), self.weights(1.0)]
        for values in [*arrays, *(weight.numpy() for weight in self.model.state_dict().values())]:
            key.update(np.ascontiguousarray(values).tobytes())
        self.store = self.cache / f"latents-{key.hexdigest()[:16]}"

    def begin(self, seed: int) -> None:
        """Cache latents, unless these are there already, and start drawing from them."""
        crop, count, store = self.config.crop, self.config.cached, self.store
        with torch.no_grad():
            one = self.model.analyse(torch.zeros(1, 3, crop, crop), torch.zeros(1, 1, 1, 1))
        shapes = {"latents": (count, *one.shape[1:]), "pictures": (count, 3, crop, crop)}
        kinds = {"latents": np.int16, "pictures": np.uint8}
        if rank() == 0 and not (store / "qualities.npy").exists():
            store.mkdir(parents=True, exist_ok=True)
            files = {name: np.memmap(store / name, kinds[name], "w+", shape=shapes[name]) for name in shapes}
            qualities = self._fill(files["latents"], files["pictures"])
            for file in files.values():
                file.flush()
            np.save(store / "qualities.npy", qualities)
        wait_for_all()
        self.latents, self.pictures = (np.memmap(store / name, kinds[name], "r", shape=shapes[name]) for name in shapes)
        self.qualities = np.load(store / "qualities.npy")
        self.random = np.random.default_rng(seed)

    @torch.no_grad()
    def _fill(self, latents: np.ndarray, pictures: np.ndarray) -> np.ndarray:
        """Quantize crops of the training pictures at random qualities, which are returned, float32 (cached,)."""
        crops = self.pixels.batches(CACHE_BATCH, self.config.crop, self.config.seed)
        qualities = np.random.default_rng(self.config.seed).random(len(latents), dtype=np.float32)
        for start in range(0, len(latents), CACHE_BATCH):
            part = slice(start, min(start + CACHE_BATCH, len(latents)))
            batch = next(crops)[: part.stop - part.start]
            quality = torch.from_numpy(qualities[part]).view(-1, 1, 1, 1)
            decoded = self.decoded(self.model.analyse(batch, quality), quality)
            fixed = (decoded * FIXED_POINT).round().clamp(-32768, 32767)
            latents[part] = fixed.numpy()
            pictures[part] = (batch * 255).round().numpy()
        return qualities

    def decoded(self, latents: Tensor, quality: Tensor) -> Tensor:
        """Return latents as a decoder has them."""
        return self.model.code_latents(latents, quality, self.search(quality)).decoded

    def loss(self, progress: float) -> Tensor:
        """Return the loss of a new batch."""
        del progress
        chosen = np.sort(self.random.choice(len(self.qualities), max(1, self.config.batch // world()), replace=False))
        quality = torch.from_numpy(self.qualities[chosen]).view(-1, 1, 1, 1)
        latents = torch.from_numpy(self.latents[chosen].astype(np.float32)) / FIXED_POINT
        pictures = torch.from_numpy(self.pictures[chosen].astype(np.float32)) / 255
        flat = quality.flatten()
        errors = distortion(self.model.rebuild(latents, quality), pictures)
        return (loss_weight(flat) * rate_weight(flat) * errors).mean()


class Noise(Synthesis):
    """The control of `Synthesis`."""

    def decoded(self, latents: Tensor, quality: Tensor) -> Tensor:
        """Return latents with the noise that stands for rounding in training, uniform and one unit wide."""
        del quality
        return latents + torch.rand_like(latents) - 0.5
