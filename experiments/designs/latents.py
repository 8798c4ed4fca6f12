"""How Laplacian latents are: the distance of each channel's distribution from a Laplacian's, and its log-likelihood."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trellic.networks.learned import LearnedCodec

QUALITY = 0.5


@torch.no_grad()
def laplacian(codec: LearnedCodec, pictures: Tensor) -> dict[str, dict[str, float]]:
    """Return means over channels of y, weighted by variance, for the analysis of pictures at quality 50.

    distance    the Kolmogorov–Smirnov distance from the Laplacian of the same median and mean deviation
    likelihood  mean log-likelihood under it in nats, of latents scaled to unit variance
    """
    quality = torch.full((1, 1, 1, 1), QUALITY)
    parts = [codec.encode(part, quality)["y"] for part in pictures.split(4)]
    channels = torch.cat(parts).transpose(0, 1).flatten(1).double().numpy()
    weights = channels.var(axis=1)
    found = np.array([_of_channel(values) for values in channels])
    distance, likelihood = np.average(found, axis=0, weights=weights)
    return {"latents": {"distance": float(distance), "likelihood": float(likelihood)}}


def _of_channel(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    values = np.sort(values / max(values.std(), 1e-9))
    centred = values - np.median(values)
    scale = max(float(np.abs(centred).mean()), 1e-9)
    tails = 0.5 * np.exp(-np.abs(centred) / scale)
    chances = np.where(centred < 0, tails, 1 - tails)
    ranks = np.arange(len(values) + 1) / len(values)
    distance = max(float(np.abs(chances - ranks[1:]).max()), float(np.abs(chances - ranks[:-1]).max()))
    return distance, -np.log(2 * scale) - 1.0
