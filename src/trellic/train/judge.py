"""Held-out judgement: rate and distortion at fixed qualities, and one number to compare runs by."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from trellic.networks.codec import distortion
from trellic.networks.gains import rate_weight
from trellic.networks.retrainable import Coded, Retrainable

QUALITIES = (0.1, 0.3, 0.5, 0.7, 0.9)


@torch.no_grad()
def judge(
    model: Retrainable, pictures: Tensor, code: Callable[[Retrainable, Tensor, Tensor], Coded], batch: int = 4
) -> dict[str, Any]:
    """Return bpp (estimated), MSE and PSNR (dB) at each quality, and `cost`, their mean log cost by the usual λ.

    code  (model, pictures, quality) → coded; pictures float32 (N, 3, H, W) in [0, 1]
    """
    was_training = model.training
    model.eval()
    bpps, mses, psnrs = [], [], []
    for quality in QUALITIES:
        bits, errors = 0.0, []
        for part in pictures.split(batch):
            q = torch.full((len(part), 1, 1, 1), quality)
            coded = code(model, part, q)
            bits += float((coded.latent_bits + coded.side_bits).sum())
            errors.append(distortion(coded.pictures.clamp(0, 1), part))
        error = torch.cat(errors)
        bpps.append(bits / pictures[:, 0].numel())
        mses.append(float(error.mean()))
        psnrs.append(float((10 * torch.log10(255.0**2 / error)).mean()))
    model.train(was_training)
    return {"bpp": bpps, "mse": mses, "psnr": psnrs, "cost": cost(bpps, mses, 1.0)}


def cost(bpps: list[float], mses: list[float], share: float) -> float:
    """Return the mean over qualities of log(bpp + share·λ·MSE): every rate counts alike, and 0.01 is one per cent."""
    weights = share * rate_weight(torch.tensor(QUALITIES)).numpy()
    costs = [math.log(bpp + weight * mse) for bpp, weight, mse in zip(bpps, weights, mses, strict=True)]
    return sum(costs) / len(costs)


def share_of_weight(bpps: list[float], mses: list[float]) -> float:
    """Return by what the usual λ is to be multiplied to be the slope of a judged curve, where the curve falls at all.

    A quantizer of larger steps stands lower on the curve at each quality than rounding, for which λ is right. Trained
    by that λ, a model would move along its curve more than improve it; judged by it, moving would count.
    """
    points = zip(QUALITIES, bpps, mses, strict=True)
    logs = []
    for (low, bpp, mse), (high, more, less) in pairwise(points):
        if more > bpp and less < mse:
            usual = float(rate_weight(torch.tensor((low + high) / 2)))
            logs.append(math.log((more - bpp) / (mse - less) / usual))
    return math.exp(sum(logs) / len(logs)) if logs else 1.0
