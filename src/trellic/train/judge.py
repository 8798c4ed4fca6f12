"""Held-out judgement: rate and distortion at fixed qualities, and one number to compare runs by."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from trellic.networks.codec import distortion
from trellic.networks.gains import rate_weight
from trellic.networks.retrainable import Coded, Retrainable

QUALITIES = (0.1, 0.3, 0.5, 0.7, 0.9)


@torch.no_grad()
def judge(
    model: Retrainable, pictures: Tensor, code: Callable[[Retrainable, Tensor, Tensor], Coded], batch: int = 4
) -> dict[str, float | list[float]]:
    """Return bpp (estimated) and PSNR (dB) at each quality, and the mean log cost.

    code  (model, pictures, quality) → coded; pictures float32 (N, 3, H, W) in [0, 1]

    The cost of a quality is bpp + λ·MSE; the mean of its logarithm weighs every rate alike, and a difference of
    0.01 is one per cent.
    """
    was_training = model.training
    model.eval()
    bpps, psnrs, costs = [], [], []
    for quality in QUALITIES:
        bits, errors = 0.0, []
        for part in pictures.split(batch):
            q = torch.full((len(part), 1, 1, 1), quality)
            coded = code(model, part, q)
            bits += float((coded.latent_bits + coded.side_bits).sum())
            errors.append(distortion(coded.pictures.clamp(0, 1), part))
        error = torch.cat(errors)
        bpp = bits / pictures[:, 0].numel()
        bpps.append(bpp)
        psnrs.append(float((10 * torch.log10(255.0**2 / error)).mean()))
        costs.append(math.log(bpp + float(rate_weight(torch.tensor(quality))) * float(error.mean())))
    model.train(was_training)
    return {"bpp": bpps, "psnr": psnrs, "cost": sum(costs) / len(costs)}
