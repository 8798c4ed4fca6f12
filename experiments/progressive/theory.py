"""Halving the cells of a Laplacian, in closed form: what a digit costs, and what it gains.

Beyond the zero cell a Laplacian has no memory: every cell of a width looks like any other. Residuals have the mean
magnitude b; a cell of index 0 reaches t = (1/2 + θ) w to either side.
Source: Sullivan, Efficient scalar quantization of exponential and Laplacian random variables (1996).
"""

import math


def entropy(probability: float) -> float:
    """Return the bits of a choice between two."""
    return -sum(part * math.log2(part) for part in (probability, 1 - probability) if part > 0)


def outside(reach: float, b: float) -> float:
    """Return the probability of what lies beyond the zero cell."""
    return math.exp(-reach / b)


def zero_distortion(reach: float, b: float) -> float:
    """Return the squared error of all that lies in the zero cell, shown as 0, for one latent."""
    return 2 * b * b - math.exp(-reach / b) * (reach * reach + 2 * b * reach + 2 * b * b)


def variance(width: float, b: float) -> float:
    """Return the variance within a cell of a width that does not hold zero."""
    return b * b - width * width * math.exp(width / b) / (math.exp(width / b) - 1) ** 2


def centroid(width: float, b: float) -> float:
    """Return how far the mean of such a cell lies above its lower edge."""
    return b - width / (math.exp(width / b) - 1)


def halving(width: float, b: float) -> tuple[float, float]:
    """Return the bits of halving such a cell, and how much its variance falls."""
    low = 1 / (1 + math.exp(-width / (2 * b)))
    return entropy(low), variance(width, b) - variance(width / 2, b)
