"""The task that a stage describes: batches, loss and validation of one codec with one quantizer."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trellic.codec.deployed import DeployedQuantizer
from trellic.errors import BadConfig
from trellic.networks.exact import fit_fixed_points
from trellic.networks.learned import Coder, LearnedCodec
from trellic.networks.surrogates import NoisyRounding, Rounding
from trellic.train.config import TrainConfig
from trellic.train.crops import Crops
from trellic.train.data import PixelStore
from trellic.train.latents import BlockLatents, CachedLatents, Latents, LiveLatents
from trellic.train.noise import Noise
from trellic.train.planes import PlaneLatents
from trellic.train.processes import world
from trellic.train.quantizer_in_loop import QuantizerInTheLoop
from trellic.train.searched import LiveTargets, SearchedLatents, TargetSearch, remembering
from trellic.train.stage import Stage
from trellic.train.terms import DISTORTION, NEAR, CodedBatch, loss_of
from trellic.train.validate import cost, lambda_scale_of, validate

SHOWN_QUALITIES = 6
"""How many batches, from the lowest quality to the highest, show the fixed points of exact networks what to hold."""

Weights = Callable[[float], npt.NDArray[np.float32]]


class DeployedModel(NamedTuple):
    """What is trained: a codec, and the quantizer that is deployed with it, where there is one.

    weights   what an error in each latent channel is worth to the quantizer's search, float32 (C,), by quality 0 to 1
    followed  pictures and qualities → latents to stay near to, (N, C, h, w)
    plain     the codec as it was, where an adapter of it is for coarse planes of layers
    search    what finds searched targets, where a stage trains on them
    """

    codec: LearnedCodec
    quantizer: DeployedQuantizer | None = None
    weights: Weights = lambda quality: np.ones(1, np.float32)
    followed: Callable[[Tensor, Tensor], Tensor] | None = None
    plain: LearnedCodec | None = None
    search: TargetSearch | None = None

    def coder(self, quality: Tensor, otherwise: Coder) -> Coder:
        """Return the deployed quantizer for a batch; `otherwise` codes passes that are always rounded."""
        if self.quantizer is None:
            return otherwise
        return QuantizerInTheLoop(self.quantizer, self.weights, quality, otherwise)

    def facts(self, config: TrainConfig, surrogate: str) -> bytes:
        """Return a digest of all that cached latents follow from; `surrogate` is what stands for the quantizer."""
        digest = hashlib.sha256()
        digest.update(repr((config.pictures, config.mix, config.crop, config.cached, config.seed)).encode())
        digest.update(surrogate.encode())
        arrays = [weight.cpu().numpy() for weight in self.codec.state_dict().values()]
        if given := self.quantizer:
            digest.update(repr((given.quantizer.name, given.operating_points)).encode())
            arrays += [given.tables.frequency, given.offsets, self.weights(0.0), self.weights(1.0)]
        for values in arrays:
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.digest()


class StageTraining:
    """The training of a stage.

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
        self.config, self.stage, self.pictures, self.validation, self.cache = config, stage, pictures, validation, cache
        self.device = validation.device
        self.model, self.codec, self.followed = model, model.codec, model.followed
        self.codec.to(self.device)
        if NEAR in stage.terms and self.followed is None:
            raise BadConfig(f"stage {stage.name} needs a model to follow")
        if missing := set(stage.trains) - set(self.codec.parts):
            raise BadConfig(f"stage {stage.name}: the model has no {min(missing)} to train")
        prefixes = tuple(prefix for part in stage.trains for prefix in self.codec.parts[part])
        for name, weight in self.codec.named_parameters():
            weight.requires_grad_(name.startswith(prefixes))
        if stage.exact:
            fit_fixed_points(self.codec, self._show)
        self.encode = remembering(model.search) if model.search else None
        self.lambda_scale, before = 1.0, self._validated(self.codec)
        if model.quantizer:
            self.lambda_scale = lambda_scale_of(before["bpp"], before["mse"])
        self.before = self._with_cost(before)
        # Before anything is trained, so that a run that is resumed finds its cache.
        self.facts = model.facts(config, model.search.name if model.search else stage.quantizer)

    def begin(self, seed: int) -> None:
        """Start drawing batches by a seed."""
        match self.stage.latents:
            case "planes":
                self.latents: Latents = self._planes(seed)
            case "cached":
                self.latents = self._cached(self._live(self.config.seed), seed)
            case "searched":
                assert self.model.search
                once = LiveTargets(self.model.search, self._crops(self.config.seed))
                self.latents = SearchedLatents(self._cached(once, seed), self.codec, self._coder)
            case _:
                self.latents = self._live(seed)

    def state(self) -> dict[str, Any]:
        """Return nothing: all that is trained is the codec."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""

    def loss(self) -> Tensor:
        """Return the loss of a new batch."""
        batch = self.latents.draw(max(1, self.config.batch // world()), self.device)
        pictures, quality, decoded, targets, aim = batch
        wanted = DISTORTION in self.stage.terms
        reconstructed = self.codec.decode(decoded.values, quality) if wanted else None
        # A surrogate of rounding stands on rounding's curve, for which the usual λ is right.
        scale = self.lambda_scale if self.stage.quantizer == "deployed" else 1.0
        bits = torch.stack(list(decoded.bits.values())).sum(dim=0) if decoded.bits else None
        strayed = self._strayed(pictures, quality, targets["y"]) if NEAR in self.stage.terms else None
        aims = (quality if aim is None else aim).flatten()
        return loss_of(CodedBatch(pictures, aims, bits, reconstructed, scale, strayed), self.stage.terms)

    def _strayed(self, pictures: Tensor, quality: Tensor, latents: Tensor) -> Tensor:
        """Return how far latents are from those to stay near to, as CodedBatch says."""
        assert self.followed is not None
        with torch.no_grad():
            wanted = self.followed(pictures, quality)
        return (latents - wanted).float().square().sum(dim=(1, 2, 3))

    def validate(self, codec: LearnedCodec) -> dict[str, Any]:
        """Return rate, distortion and cost of the validation pictures, by the deployed quantizer where there is one."""
        return self._with_cost(self._validated(codec))

    def _validated(self, codec: LearnedCodec) -> dict[str, Any]:
        return validate(codec, self.validation, self._deployed, encode=self.encode)

    def _deployed(self, quality: Tensor) -> Coder:
        return self.model.coder(quality, Rounding())

    def _with_cost(self, validated: dict[str, Any]) -> dict[str, Any]:
        scale = self.lambda_scale
        return {**validated, "lambda_scale": scale, "cost": cost(validated["bpp"], validated["mse"], scale)}

    def _cached(self, once: Latents, seed: int) -> CachedLatents:
        return CachedLatents.filled(self.cache, self.facts, self.config.cached, once, self.device, seed)

    def _planes(self, seed: int) -> PlaneLatents:
        assert self.model.plain
        assert self.model.quantizer
        return PlaneLatents(self.codec, self.model.plain.to(self.device), self.model.quantizer, self._crops(seed))

    def _crops(self, seed: int) -> Crops:
        return Crops.of(self.pictures, self.cache, self.config.mix, self.config.crop, seed)

    def _live(self, seed: int) -> LiveLatents:
        crops = self._crops(seed)
        kind = BlockLatents if self.stage.latents == "blocks" else LiveLatents
        return kind(self.codec, crops, self._coder)

    def _coder(self, quality: Tensor) -> Coder:
        """Return what stands for the quantizer in this stage."""
        match self.stage.quantizer:
            case "deployed":
                return self.model.coder(quality, NoisyRounding())
            case "noise":
                return Noise()
            case _:
                return NoisyRounding()

    @torch.no_grad()
    def _show(self) -> None:
        """Run the entropy networks on training pictures of all qualities."""
        live = self._live(self.config.seed)
        for quality in torch.linspace(0, 1, SHOWN_QUALITIES, device=self.device):
            pictures, _ = live.crops.draw(self.config.batch, self.device)
            qualities = quality.expand(len(pictures), 1, 1, 1)
            self.codec.code(self.codec.encode(pictures, qualities), qualities, self.model.coder(qualities, Rounding()))
