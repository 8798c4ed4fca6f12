"""Bjøntegaard-delta rate: how many per cent more bits a codec takes than another at equal quality.

Monotone cubic (PCHIP) interpolation of log rate over PSNR, integrated over the range that both curves cover.
Sources: Bjøntegaard, VCEG-M33 (2001); Fritsch and Butland, monotone interpolation (1984).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
SAMPLES = 4000


class BdRate(NamedTuple):
    """Per cent of bits, negative is a saving, and the range of quality in dB that was compared."""

    percent: float
    low: float
    high: float


def pchip(x: Floats, y: Floats, at: Floats) -> Floats:
    """Return the monotone cubic through (x, y), x rising, at points within x. At least two points."""
    width = np.diff(x)
    rise = np.diff(y) / width
    slope = np.empty_like(y)
    if len(x) == 2:
        slope[:] = rise[0]
    else:
        before, after = rise[:-1], rise[1:]
        w1, w2 = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = (w1 + w2) / (w1 / before + w2 / after)
        slope[1:-1] = np.where(before * after > 0, inner, 0.0)
        slope[0] = _end_slope(width[0], width[1], rise[0], rise[1])
        slope[-1] = _end_slope(width[-1], width[-2], rise[-1], rise[-2])
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(width) - 1)
    h, t = width[piece], (at - x[piece]) / width[piece]
    start, end = y[piece], y[piece + 1]
    result: Floats = (
        start * (2 * t**3 - 3 * t**2 + 1)
        + end * (3 * t**2 - 2 * t**3)
        + h * slope[piece] * (t**3 - 2 * t**2 + t)
        + h * slope[piece + 1] * (t**3 - t**2)
    )
    return result


def _end_slope(near: float, far: float, rise_near: float, rise_far: float) -> float:
    """Return the three-point slope at an end, kept monotone."""
    slope = ((2 * near + far) * rise_near - near * rise_far) / (near + far)
    if slope * rise_near <= 0:
        return 0.0
    return 3 * rise_near if rise_near * rise_far <= 0 and abs(slope) > 3 * abs(rise_near) else slope


def curve(points: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Return PSNR, rising, and log rate of (rate, PSNR) points. Raises ValueError where fewer than two differ."""
    array = np.array(sorted(points, key=lambda point: point[1]), dtype=np.float64).reshape(-1, 2)
    keep = np.concatenate([[True], np.diff(array[:, 1]) > 0])
    if keep.sum() < 2:
        raise ValueError("a rate-distortion curve needs two points or more of different quality")
    return array[keep, 1], np.log(array[keep, 0])


def bd_rate(
    anchor: list[tuple[float, float]], test: list[tuple[float, float]], within: tuple[float, float] = (-np.inf, np.inf)
) -> BdRate:
    """Return the bits of `test` relative to `anchor`, each a list of (rate, PSNR in dB), within a range of PSNR.

    Raises ValueError where the curves do not overlap there.
    """
    (anchor_psnr, anchor_rate), (test_psnr, test_rate) = curve(anchor), curve(test)
    low, high = max(anchor_psnr[0], test_psnr[0], within[0]), min(anchor_psnr[-1], test_psnr[-1], within[1])
    if low >= high:
        raise ValueError(f"curves do not overlap: from {low:.2f} to {high:.2f} dB")
    at = np.linspace(low, high, SAMPLES)
    gap = pchip(test_psnr, test_rate, at) - pchip(anchor_psnr, anchor_rate, at)
    mean = float(np.trapezoid(gap, at) / (high - low))
    return BdRate(100 * (float(np.exp(mean)) - 1), float(low), float(high))
