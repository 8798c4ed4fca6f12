"""Pretraining: everything together, from classical transforms or an exported model, with stand-ins for rounding."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trellic.model.file import ModelFile
from trellic.networks.codec import TrainableCodec, distortion
from trellic.networks.gains import rate_weight
from trellic.networks.retrainable import Coded, Retrainable, Search
from trellic.networks.transforms import fit_to
from trellic.train.config import TrainConfig
from trellic.train.data import Crops, Pixels
from trellic.train.judge import judge
from trellic.train.load import load


def loss_weight(quality: Tensor) -> Tensor:
    """Return what a picture's (bpp + λ·MSE) counts at its quality, 1 in the middle: so high rates do not drown low."""
    return (rate_weight(torch.full_like(quality, 0.5)) / rate_weight(quality)).sqrt()


def loss_of(
    model: Retrainable, pictures: Tensor, quality: Tensor, search: Search | None = None, share: float = 1.0
) -> Tensor:
    """Return the weighted mean over pictures of bpp + share·λ·MSE; quality is (N, 1, 1, 1)."""
    coded = model(pictures, quality, search)
    flat = quality.flatten()
    bpp = (coded.latent_bits + coded.side_bits) / pictures[0, 0].numel()
    return (loss_weight(flat) * (bpp + share * rate_weight(flat) * distortion(coded.pictures, pictures))).mean()


def initial_model(config: TrainConfig, pixels: Pixels) -> TrainableCodec:
    """Return the model to start from: an exported one, or classical transforms scaled to the training pictures."""
    torch.manual_seed(config.seed)
    if config.start:
        model = load(ModelFile.read(Path(config.start)), config.design)
    else:
        model = TrainableCodec(config.design)
        sample = next(pixels.batches(16, config.crop, seed=config.seed))
        model.gains.fit_to(fit_to(sample, config.design, model.analysis, model.synthesis))
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def code(model: Retrainable, pictures: Tensor, quality: Tensor) -> Coded:
    """Return pictures as training codes them."""
    coded: Coded = model(pictures, quality)
    return coded


class Pretraining:
    """The task of training all weights, with stand-ins for rounding."""

    def __init__(self, config: TrainConfig, pixels: Pixels, held_out: Tensor) -> None:
        self.config, self.pixels, self.held_out = config, pixels, held_out
        self.model: Retrainable = initial_model(config, pixels)

    def begin(self, seed: int) -> None:
        """Start drawing crops by a seed."""
        self.crops = Crops(self.config, self.pixels, seed)

    def loss(self, progress: float) -> Tensor:
        """Return the loss of a new batch."""
        return loss_of(self.model, *self.crops.draw(progress))

    def judge(self, model: Retrainable) -> dict[str, Any]:
        """Return rate, distortion and cost on held-out pictures, by rounding."""
        return judge(model, self.held_out, code)
