"""Named terms of the training loss, and their sum.

A picture's cost is bits per pixel + λ · squared error, weighted so that high qualities do not drown low ones, and
capped so that noise and dithering do not drown photographs.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from trellic.networks.transforms.conditioning import lambda_of

LARGEST_COST = 3.0
"""What one picture counts at most, a photograph costing about 1."""
BITS_OF_STEPS = 6 / math.log(2)
"""Bits that a squared error of one step is worth where they are dense: 2^-2R/12 falls by so much of itself a bit."""


class CodedBatch(NamedTuple):
    """The inputs of a loss.

    pictures       float32 (N, 3, H, W) in [0, 1]
    qualities      (N,) in [0, 1]
    bits           of all variables, (N,); None where latents are cached
    reconstructed  pictures, not clipped; None where no term asks for them
    lambda_scale   factor of λ
    strayed        squared difference of all latents from those to stay near to, in steps, (N,)
    """

    pictures: Tensor
    qualities: Tensor
    bits: Tensor | None
    reconstructed: Tensor | None
    lambda_scale: float
    strayed: Tensor | None = None


def distortion(reconstructed: Tensor, pictures: Tensor) -> Tensor:
    """Return the mean squared error of each picture in 8-bit units, (N,)."""
    return F.mse_loss(reconstructed, pictures, reduction="none").mean(dim=(1, 2, 3)) * 255.0**2


def rate(batch: CodedBatch) -> Tensor:
    """Return bits per pixel, (N,)."""
    assert batch.bits is not None
    return batch.bits / batch.pictures[0, 0].numel()


def weighted_distortion(batch: CodedBatch) -> Tensor:
    """Return λ times the mean squared error in 8-bit units, (N,)."""
    assert batch.reconstructed is not None
    errors = distortion(batch.reconstructed, batch.pictures)
    return batch.lambda_scale * lambda_of(batch.qualities) * errors


def straying(batch: CodedBatch) -> Tensor:
    """Return what latents that stray from another model's cost, in bits per pixel, (N,)."""
    assert batch.strayed is not None
    return BITS_OF_STEPS * batch.strayed / batch.pictures[0, 0].numel()


DISTORTION, NEAR = "distortion", "near"
PLEASING = "pleasing"
"""The loss of `trellic.train.pleasing`, which has parts of its own."""
TERMS: dict[str, Callable[[CodedBatch], Tensor]] = {"rate": rate, DISTORTION: weighted_distortion, NEAR: straying}


def loss_weight(quality: Tensor) -> Tensor:
    """Return the weight of a picture's cost at its quality, 1 in the middle."""
    return (lambda_of(torch.full_like(quality, 0.5)) / lambda_of(quality)).sqrt()


def loss_of(batch: CodedBatch, terms: tuple[str, ...]) -> Tensor:
    """Return the mean over pictures of the weighted and capped sum of terms."""
    costs = torch.stack([TERMS[name](batch) for name in terms]).sum(dim=0) * loss_weight(batch.qualities)
    return (costs * (LARGEST_COST / costs.detach()).clamp_max(1.0)).mean()
