"""Colour conversion for video codecs: 8-bit RGB ⇄ 10-bit YUV planes, BT.709, full range, in floats.

Done here, because programs that convert on the way choose range, matrix and filter silently.
Source: ITU-R BT.709-6, item 3; full range as in ITU-T H.273: luma times 1023, chroma times 1023 around 512.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.picture.types import Pixels

Planes = list[npt.NDArray[np.uint16]]
Floats = npt.NDArray[np.floating[Any]]

RED, BLUE = 0.2126, 0.0722
GREEN = 1 - RED - BLUE
PEAK, MIDDLE = 1023, 512


def to_yuv(pixels: Pixels, halved: bool) -> Planes:
    """Return Y, U and V, uint16 0 to 1023, of pixels, uint8 (H, W, 3).

    halved  4:2:0: U and V at half size, each sample the mean of four; odd sides are first made even by repetition
    """
    if halved:
        pixels = np.pad(pixels, ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0)), "edge")
    red, green, blue = np.moveaxis(pixels.astype(np.float32) / 255, 2, 0)
    luma = RED * red + GREEN * green + BLUE * blue
    chroma = [(blue - luma) / (2 * (1 - BLUE)), (red - luma) / (2 * (1 - RED))]
    if halved:
        chroma = [_halve(plane) for plane in chroma]
    scaled = [luma * PEAK, *(plane * PEAK + MIDDLE for plane in chroma)]
    return [np.clip(np.rint(plane), 0, PEAK).astype(np.uint16) for plane in scaled]


def to_rgb(planes: Planes) -> Pixels:
    """Return pixels, uint8 (H, W, 3), of Y, U and V; U and V of half size are interpolated."""
    luma = planes[0].astype(np.float32) / PEAK
    chroma: list[Floats] = [(plane.astype(np.float32) - MIDDLE) / PEAK for plane in planes[1:]]
    if chroma[0].shape != luma.shape:
        chroma = [_double(_double(plane).T).T for plane in chroma]
    red = luma + 2 * (1 - RED) * chroma[1]
    blue = luma + 2 * (1 - BLUE) * chroma[0]
    green = (luma - RED * red - BLUE * blue) / GREEN
    return np.clip(np.rint(np.stack([red, green, blue], axis=2) * 255), 0, 255).astype(np.uint8)


def _halve(plane: Floats) -> Floats:
    mean: Floats = (plane[0::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 0::2] + plane[1::2, 1::2]) / 4
    return mean


def _double(plane: Floats) -> Floats:
    """Return twice the rows, linear between the middles of those that are there."""
    padded = np.pad(plane, ((1, 1), (0, 0)), "edge")
    doubled = np.empty((2 * plane.shape[0], plane.shape[1]), np.float32)
    doubled[0::2] = 0.75 * plane + 0.25 * padded[:-2]
    doubled[1::2] = 0.75 * plane + 0.25 * padded[2:]
    return doubled
