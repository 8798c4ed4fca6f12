"""Priors on cached latents: the analysis of the shipped model is run once, and a prior alone is trained by rounding."""

from typing import Any

import torch
from torch import Tensor

from trellic.model import DEFAULT, Model, find_model
from trellic.networks.codec import TrainableCodec
from trellic.networks.learned import Decoded
from trellic.networks.load import load
from trellic.networks.surrogates import NoisyRounding, Rounding
from trellic.train.crops import Crops
from trellic.train.terms import loss_weight
from trellic.train.validate import QUALITIES

CACHED, PART = 1000, 10
BATCH = 8
CPU = torch.device("cpu")


class Latents:
    """Latents of crops at random qualities, and of validation pictures at fixed ones."""

    def __init__(self, crops: Crops, validation: Tensor) -> None:
        self.model = Model.read(find_model(DEFAULT))
        analysis = load(self.model).analysis.eval()
        self.pixels = crops.crop**2, validation[0, 0].numel()
        with torch.no_grad():
            drawn = [crops.draw(PART, CPU) for _ in range(CACHED // PART)]
            self.trained = torch.cat([analysis(pictures, quality) for pictures, quality in drawn])
            self.qualities = torch.cat([quality for _, quality in drawn])
            self.validation = {
                at: torch.cat([analysis(part, torch.full((1, 1, 1, 1), at)) for part in validation.split(4)])
                for at in QUALITIES
            }


class PriorTask:
    """The task of a cell whose prior alone is trained; the cost is the mean log of bits per pixel."""

    def __init__(self, codec: TrainableCodec, latents: Latents) -> None:
        self.codec, self.latents, self.device = codec, latents, CPU
        self.before: dict[str, Any] = {}
        self.progress = 0.0
        for name, weight in codec.named_parameters():
            weight.requires_grad_(name.startswith("prior."))

    def begin(self, seed: int) -> None:
        """Start drawing batches by a seed."""
        self.random = torch.Generator().manual_seed(seed)

    def loss(self) -> Tensor:
        """Return the loss of a new batch."""
        chosen = torch.randint(len(self.latents.trained), (BATCH,), generator=self.random)
        quality = self.latents.qualities[chosen]
        bits = self._bits(self.codec, self.latents.trained[chosen], quality, NoisyRounding())
        return (bits / self.latents.pixels[0] * loss_weight(quality.flatten())).mean()

    @torch.no_grad()
    def validate(self, codec: TrainableCodec) -> dict[str, Any]:
        """Return bits per pixel at each quality, and the cost."""
        codec.eval()
        rates = []
        for at, latents in self.latents.validation.items():
            quality = torch.full((len(latents), 1, 1, 1), at)
            rates.append(float(self._bits(codec, latents, quality, Rounding()).mean()) / self.latents.pixels[1])
        codec.train()
        return {"bpp": rates, "cost": float(torch.tensor(rates).log().mean())}

    def _bits(self, codec: TrainableCodec, latents: Tensor, quality: Tensor, coder: Any) -> Tensor:
        (z,) = codec.network("hyper_analysis")(latents)
        coded: Decoded = codec.code({"y": latents, "z": z}, quality, coder)
        return torch.stack(list(coded.bits.values())).sum(dim=0)
