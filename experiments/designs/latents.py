"""How Laplacian latents are, and how much of their energy is in few channels."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trellic.networks.learned import LearnedCodec

QUALITY = 0.5
FIRST = 48
"""Channels whose share of the energy is measured: those of the first two groups."""


@torch.no_grad()
def latents_of(codec: LearnedCodec, pictures: Tensor) -> dict[str, dict[str, float]]:
    """Return means over channels of y, weighted by variance, for the analysis of pictures at quality 50, and two sums.

    distance    the Kolmogorov–Smirnov distance from the Laplacian of the same median and mean deviation
    likelihood  mean log-likelihood under it in nats, of latents scaled to unit variance
    gain        arithmetic over geometric mean of the channels' 1 + variance, in dB: the coding gain at steps of 1
    gathered    the share of the variance that the FIRST channels of largest variance have
    """
    quality = torch.full((1, 1, 1, 1), QUALITY)
    parts = [codec.encode(part, quality)["y"] for part in pictures.split(4)]
    channels = torch.cat(parts).transpose(0, 1).flatten(1).double().numpy()
    weights = channels.var(axis=1)
    found = np.array([_of_channel(values) for values in channels])
    distance, likelihood = np.average(found, axis=0, weights=weights)
    gain = 10 * (np.log10(np.mean(1 + weights)) - np.mean(np.log10(1 + weights)))
    gathered = np.sort(weights)[-FIRST:].sum() / weights.sum()
    names = {"distance": distance, "likelihood": likelihood, "gain": gain, "gathered": gathered}
    return {"latents": {name: float(value) for name, value in names.items()}}


def _of_channel(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    values = np.sort(values / max(values.std(), 1e-9))
    centred = values - np.median(values)
    scale = max(float(np.abs(centred).mean()), 1e-9)
    tails = 0.5 * np.exp(-np.abs(centred) / scale)
    chances = np.where(centred < 0, tails, 1 - tails)
    ranks = np.arange(len(values) + 1) / len(values)
    distance = max(float(np.abs(chances - ranks[1:]).max()), float(np.abs(chances - ranks[:-1]).max()))
    return distance, -np.log(2 * scale) - 1.0
