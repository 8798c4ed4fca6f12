"""Validation: rate and distortion of pictures that are never trained on, at fixed qualities, and one cost of all."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from trellic.metrics import lambda_at
from trellic.networks.learned import Coder, LearnedCodec
from trellic.train.processes import rank, total, world
from trellic.train.terms import distortion

QUALITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
BATCH = 4

Encode = Callable[[Tensor, Tensor], dict[str, Tensor]]
"""Takes pictures and qualities, returns their variables before they are quantized, (N, C, h, w)."""


@torch.no_grad()
def validate(
    codec: LearnedCodec,
    pictures: Tensor,
    coder_of: Callable[[Tensor], Coder],
    qualities: Sequence[float] = QUALITIES,
    encode: Encode | None = None,
) -> dict[str, Any]:
    """Return bpp (estimated), MSE and PSNR (dB) at each quality, and `cost`, the mean log RD cost by the usual λ.

    pictures  float32 (N, 3, H, W) in [0, 1]
    coder_of  qualities (N, 1, 1, 1) → what stands for the quantizer
    encode    pictures, qualities → variables before they are quantized; None for the codec's analysis
    """
    was_training = codec.training
    codec.eval()
    points = [_point(codec, pictures, quality, coder_of, encode or codec.encode) for quality in qualities]
    codec.train(was_training)
    bpps, mses, psnrs = (list(values) for values in zip(*points, strict=True))
    return {"bpp": bpps, "mse": mses, "psnr": psnrs, "cost": cost(bpps, mses, 1.0, qualities)}


def _point(
    codec: LearnedCodec, pictures: Tensor, quality: float, coder_of: Callable[[Tensor], Coder], encode: Encode
) -> tuple[float, float, float]:
    """Return bpp, MSE and PSNR at a quality; each of several processes codes its share of the pictures."""
    bits, errors, psnrs = 0.0, 0.0, 0.0
    for part in pictures[rank() :: world()].split(BATCH):
        qualities = torch.full((len(part), 1, 1, 1), quality, device=part.device)
        coded = codec.code(encode(part, qualities), qualities, coder_of(qualities))
        error = distortion(codec.decode(coded.values, qualities).clamp(0, 1), part)
        bits += float(torch.stack(list(coded.bits.values())).sum())
        errors += float(error.sum())
        psnrs += float((10 * torch.log10(255.0**2 / error)).sum())
    bits, errors, psnrs = total([bits, errors, psnrs])
    return bits / pictures[:, 0].numel(), errors / len(pictures), psnrs / len(pictures)


def cost(bpps: list[float], mses: list[float], lambda_scale: float, qualities: Sequence[float] = QUALITIES) -> float:
    """Return the mean over qualities of log(bpp + scale·λ·MSE): every rate counts alike, and 0.01 is one per cent."""
    points = zip(qualities, bpps, mses, strict=True)
    costs = [math.log(bpp + lambda_scale * lambda_at(quality) * mse) for quality, bpp, mse in points]
    return sum(costs) / len(costs)


def lambda_scale_of(bpps: list[float], mses: list[float]) -> float:
    """Return the factor by which the slope of a validated curve differs from the usual λ.

    A quantizer of larger steps stands lower on the curve at each quality than rounding, for which λ is right. Trained
    by that λ, a model would move along its curve more than improve it; validated by it, moving would count.
    """
    logs = []
    for (low, bpp, mse), (high, more, less) in pairwise(zip(QUALITIES, bpps, mses, strict=True)):
        if more > bpp and less < mse:
            logs.append(math.log((more - bpp) / (mse - less) / lambda_at((low + high) / 2)))
    return math.exp(sum(logs) / len(logs)) if logs else 1.0
