"""Distortion between 8-bit pictures: PSNR and MS-SSIM, as the field reports them."""

import numpy as np
import numpy.typing as npt

from trellic.errors import BadRequest
from trellic.kernels import kernel

Pixels = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float64]

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, SIGMA = 11, 1.5
LOWEST_LAMBDA, HIGHEST_LAMBDA = 0.001, 0.25
"""At quality 0 and 1."""
SMALLEST_SIDE = (WINDOW - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1


def psnr(original: Pixels, decoded: Pixels) -> float:
    """Return the peak signal-to-noise ratio in dB over all samples of two uint8 (H, W, 3); equal ones give infinity.

    Raises BadRequest where they are of other types, or of two shapes.
    """
    _check(original, decoded)
    return psnr_of(squared_error(original, decoded) / original.size)


def _check(one: Pixels, other: Pixels) -> None:
    """Raise BadRequest where two arrays are no pixels of one shape."""
    for each in (one, other):
        if not isinstance(each, np.ndarray) or each.dtype != np.uint8:
            raise BadRequest(f"{getattr(each, 'dtype', type(each).__name__)} is no array of uint8")
    if one.shape != other.shape:
        raise BadRequest(f"pictures of shapes {one.shape} and {other.shape} are not compared")


def squared_error(one: Pixels, other: Pixels) -> float:
    """Return the squared error of all samples, summed, in 8-bit units, of two uint8 arrays of one shape."""
    return float(sum(np.square(np.subtract(a, b, dtype=np.int32)).sum() for a, b in zip(one, other, strict=True)))


def psnr_of(error: float) -> float:
    """Return the PSNR in dB of a mean squared error in 8-bit units."""
    return 10 * float(np.log10(255.0**2 / error)) if error else float("inf")


def error_of(decibels: float) -> float:
    """Return the mean squared error in 8-bit units of a PSNR in dB."""
    return 255.0**2 / float(10 ** (decibels / 10))


def lambda_at(quality: float) -> float:
    """Return λ, in bits per pixel for one 8-bit unit of mean squared error, that models are trained for at a quality of
    0 to 1."""
    return float(LOWEST_LAMBDA * (HIGHEST_LAMBDA / LOWEST_LAMBDA) ** quality)


def ms_ssim(original: Pixels, decoded: Pixels) -> float:
    """Return the multi-scale structural similarity of two uint8 (H, W, 3), averaged over channels.

    Source: Wang et al., Multi-scale structural similarity (2003). Pictures with a side of 160 pixels or less are too
    small for five scales: NaN. Raises BadRequest where they are of other types or shapes.
    """
    _check(original, decoded)
    if original.ndim != 3:
        raise BadRequest(f"an array of shape {original.shape} has no channels: (H, W, C) is compared")
    if min(original.shape[:2]) < SMALLEST_SIDE:
        return float("nan")
    x, y = (np.moveaxis(picture.astype(np.float64), 2, 0) for picture in (original, decoded))
    product = np.ones(len(x))
    for scale, weight in enumerate(SCALE_WEIGHTS):
        luminance, contrast = _similarity(x, y)
        last = scale == len(SCALE_WEIGHTS) - 1
        product *= np.maximum(luminance * contrast if last else contrast, 0).mean(axis=(1, 2)) ** weight
        x, y = _halve(x), _halve(y)
    return float(product.mean())


def _similarity(x: Plane, y: Plane) -> tuple[Plane, Plane]:
    """Return the luminance and the contrast-structure map of planes (C, H, W)."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = _blur(x), _blur(y)
    variance = _blur(x * x) - mean_x**2 + _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    return (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1), (2 * covariance + c2) / (variance + c2)


def _blur(planes: Plane) -> Plane:
    """Return planes (C, H, W) weighted by an 11×11 Gaussian, only where it fits."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    window = np.exp(-(offsets**2) / (2 * SIGMA**2))
    result: Plane = _filtered(planes, window / window.sum())
    return result


@kernel
def _filtered(planes: Plane, window: npt.NDArray[np.float64]) -> Plane:
    channels, height, width = planes.shape
    size = len(window)
    rows, columns = height - size + 1, width - size + 1
    result = np.empty((channels, rows, columns))
    line = np.empty(width)
    for channel in range(channels):
        for row in range(rows):
            line[:] = 0
            for at in range(size):
                weight = window[at]
                for column in range(width):
                    line[column] += weight * planes[channel, row + at, column]
            for column in range(columns):
                total = 0.0
                for at in range(size):
                    total += window[at] * line[column + at]
                result[channel, row, column] = total
    return result


def _halve(planes: Plane) -> Plane:
    """Return the means of 2×2 blocks; an odd last row or column meets zeros, as in the common implementations."""
    odd_rows, odd_columns = planes.shape[1] % 2, planes.shape[2] % 2
    padded = np.pad(planes, ((0, 0), (odd_rows, 0), (odd_columns, 0)))
    rows, columns = (planes.shape[1] + odd_rows) // 2 * 2, (planes.shape[2] + odd_columns) // 2 * 2
    padded = padded[:, :rows, :columns]
    return 0.25 * (padded[:, 0::2, 0::2] + padded[:, 1::2, 0::2] + padded[:, 0::2, 1::2] + padded[:, 1::2, 1::2])
