"""The task of the stage "pleasing": an adapter of the synthesis, on latents that the deployed quantizer produced.

Encoder and entropy networks are frozen, so streams stay what they are. The loss has four parts: the squared error over
that of the faithful picture, features, texture, and an adversary, whose weight is found so that the first is RATIO.
Source: Yan et al., On perceptual lossy compression (2021): a pleasing decoder of the same bits costs at most twice the
least squared error; Agustsson et al., Multi-realism image compression (2023).
"""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trellic.errors import BadConfig
from trellic.networks.adapter import ADAPTER, KERNELS, add_adapter
from trellic.networks.learned import LearnedCodec
from trellic.networks.surrogates import NoisyRounding, Rounding
from trellic.train.config import TrainConfig
from trellic.train.crops import Crops
from trellic.train.data import PixelStore
from trellic.train.latents import CachedLatents, LiveLatents
from trellic.train.pleasing.adversary import Adversary
from trellic.train.pleasing.control import Integrator
from trellic.train.pleasing.features import distance, lite0
from trellic.train.pleasing.texture import detail, texture
from trellic.train.processes import world
from trellic.train.stage import Stage
from trellic.train.terms import distortion
from trellic.train.training import DeployedModel

RANK, PARTS = 16, ("synthesis", KERNELS)
"""Of the adapter."""
RATIO = 2.0
"""Squared error over that of the faithful picture."""
FEATURES, TEXTURE, ADVERSARY = 0.5, 1.0, 0.5
"""Weights of the loss beside the squared error's, 1; the adversary's is where it begins."""
ALONE = 250
"""Steps before the adversary takes part; it learns from half of them on."""
ADVERSARY_RATE = 4e-4
LEAST_ERROR = 1.0
"""Of a faithful picture, in 8-bit units, squared: what is flat has no ratio."""
QUALITIES = (0.1, 0.3)
"""Of validation."""
BATCH = 4
STRIDE = 16
"""Of latents, in pixels."""


def shifted(*pictures: Tensor) -> tuple[Tensor, ...]:
    """Return pictures less STRIDE pixels each way, the same ones of all, at random.

    Crops begin where a latent does: an adversary that always sees them so teaches a pattern of that period.
    """
    top, left = (int(each) for each in torch.randint(STRIDE, (2,), device="cpu"))
    height, width = (side - STRIDE for side in pictures[0].shape[2:])
    return tuple(each[:, :, top : top + height, left : left + width] for each in pictures)


class PleasingTraining:
    """The training of an adapter of a codec's synthesis.

    pictures  training pictures; validation is float32 (N, 3, H, W) in [0, 1] and decides the device
    """

    def __init__(
        self,
        config: TrainConfig,
        stage: Stage,
        model: DeployedModel,
        pictures: PixelStore,
        validation: Tensor,
        cache: Path,
    ) -> None:
        if world() > 1:
            raise BadConfig("the stage pleasing has one adversary: it runs in one process")
        self.config, self.pictures, self.cache = config, pictures, cache
        self.device = validation.device
        self.codec = model.codec.to(self.device)
        self.facts = model.facts(config, stage.quantizer)
        self.faithful = copy.deepcopy(self.codec).requires_grad_(False).eval()
        self.model = model._replace(codec=self.faithful)
        self.features = lite0().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.features.scale_to(validation)
        add_adapter(self.codec, RANK, PARTS)  # type: ignore[arg-type]
        self.codec.to(self.device)
        for name, weight in self.codec.named_parameters():
            weight.requires_grad_(name.startswith(self.codec.parts[ADAPTER]))
        self.adversary, self.control = Adversary(self.device, ADVERSARY_RATE), Integrator(RATIO, ADVERSARY)
        self.steps = 0
        self.validation = [self._coded(validation, quality) for quality in QUALITIES]
        self.before = self.validate(self.codec)

    def begin(self, seed: int) -> None:
        """Start drawing batches by a seed."""
        config = self.config
        crops = Crops.of(self.pictures, self.cache, config.mix, config.crop, config.seed)
        once = LiveLatents(self.faithful, crops, lambda quality: self.model.coder(quality, NoisyRounding()))
        self.latents = CachedLatents.filled(self.cache, self.facts, config.cached, once, self.device, seed)

    def loss(self) -> Tensor:
        """Return the loss of a new batch; the adversary learns from it, too."""
        pictures, quality, decoded, *_ = self.latents.draw(self.config.batch, self.device)
        with torch.no_grad():
            faithful = self.faithful.decode(decoded.values, quality).clamp(0, 1)
            wanted = self.features(pictures)
        made = self.codec.decode(decoded.values, quality)
        ratios = distortion(made, pictures) / distortion(faithful, pictures).clamp_min(LEAST_ERROR)
        shown = made.clamp(0, 1)
        found = self.features(shown)
        loss = ratios + FEATURES * distance(found, wanted) + TEXTURE * texture(shown, pictures, found, wanted)
        real, fake, beside = shifted(pictures, shown, faithful)
        if self.steps >= ALONE // 2:
            self.adversary.learn(real, fake, beside, quality)
        if self.steps >= ALONE:
            self.control.update(float(ratios.detach().mean()))
            loss = loss + self.control.weight * self.adversary.loss(fake, beside, quality)
        self.steps += 1
        return loss.mean()

    @torch.no_grad()
    def validate(self, codec: LearnedCodec) -> dict[str, Any]:
        """Return measures of validation pictures at QUALITIES, as trained so far, and how the adversary stands.

        `ratio` is that of squared errors, `features` and `texture` distances, `detail` the energy of detail over the
        original's; `cost` is the mean of `features` and `texture`.
        """
        rows = [self._measured(codec, *each) for each in self.validation]
        names = ("ratio", "features", "texture", "detail")
        columns = {name: [row[number] for row in rows] for number, name in enumerate(names)}
        cost = sum(columns["features"] + columns["texture"]) / (2 * len(rows))
        return {**columns, "cost": cost, "weight": self.control.weight, "mean_ratio": self.control.mean}

    def _measured(self, codec: LearnedCodec, pictures: Tensor, quality: Tensor, latents: Tensor) -> list[float]:
        sums = torch.zeros(4, device="cpu")
        for part, at, values in zip(*(each.split(BATCH) for each in (pictures, quality, latents)), strict=True):
            made, faithful = (one.decode({"y": values}, at).clamp(0, 1) for one in (codec, self.faithful))
            found, wanted = self.features(made), self.features(part)
            energies = [detail(each).square().mean(dim=(1, 2, 3)) for each in (made, part)]
            each = (
                distortion(made, part) / distortion(faithful, part).clamp_min(LEAST_ERROR),
                distance(found, wanted),
                texture(made, part, found, wanted),
                energies[0] / energies[1].clamp_min(1e-6),
            )
            sums += torch.stack(each).sum(dim=1).cpu()
        return [float(value) for value in sums / len(pictures)]

    def state(self) -> dict[str, Any]:
        """Return the adversary, its weight and the number of steps."""
        facts = {"weight": self.control.weight, "mean": self.control.mean, "steps": self.steps}
        return {**facts, "adversary": self.adversary.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.control.weight, self.control.mean, self.steps = state["weight"], state["mean"], state["steps"]
        self.adversary.restore(state["adversary"])

    @torch.no_grad()
    def _coded(self, pictures: Tensor, level: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return pictures, their qualities and their latents as decoded."""
        quality = torch.full((len(pictures), 1, 1, 1), level, device=self.device)
        parts = []
        for part, at in zip(pictures.split(BATCH), quality.split(BATCH), strict=True):
            coded = self.faithful.code(self.faithful.encode(part, at), at, self.model.coder(at, Rounding()))
            parts.append(coded.values["y"])
        return pictures, quality, torch.cat(parts)
