"""Colour conversion for video codecs: 8-bit RGB ⇄ YUV planes of 8 or 10 bits, BT.709, full range, in floats.

Done here, because programs that convert on the way choose range, matrix and filter silently.
Source: ITU-R BT.709-6, item 3; full range as in ITU-T H.273: luma times 2ⁿ − 1, chroma times 2ⁿ − 1 around 2ⁿ⁻¹.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.picture.types import Pixels

Planes = list[npt.NDArray[np.uint16]]
Floats = npt.NDArray[np.floating[Any]]

RED, BLUE = 0.2126, 0.0722
GREEN = 1 - RED - BLUE


class Format(NamedTuple):
    """The format of planes: "4:4:4", or "4:2:0" with chroma at half size, and the bits of a sample, 8 or 10."""

    subsampling: str
    bits: int

    def __str__(self) -> str:
        return f"{self.subsampling}, {self.bits} bits, BT.709 full range"

    @property
    def halved(self) -> bool:
        """Whether chroma is at half size."""
        return self.subsampling == "4:2:0"

    @property
    def peak(self) -> int:
        """The largest sample."""
        return (1 << self.bits) - 1

    @property
    def middle(self) -> int:
        """The chroma of grey."""
        return 1 << (self.bits - 1)

    @property
    def ffmpeg(self) -> str:
        """The name that ffmpeg gives it."""
        return f"yuv{self.subsampling.replace(':', '')}p{'10le' if self.bits == 10 else ''}"

    @property
    def sample(self) -> str:
        """The type of a sample in a file."""
        return "<u2" if self.bits == 10 else "u1"


def to_yuv(pixels: Pixels, planes: Format) -> Planes:
    """Return Y, U and V, uint16, of pixels, uint8 (H, W, 3).

    In 4:2:0 each sample of U and V is the mean of four; odd sides are first made even by repetition.
    """
    if planes.halved:
        pixels = np.pad(pixels, ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0)), "edge")
    red, green, blue = np.moveaxis(pixels.astype(np.float32) / 255, 2, 0)
    luma = RED * red + GREEN * green + BLUE * blue
    chroma = [(blue - luma) / (2 * (1 - BLUE)), (red - luma) / (2 * (1 - RED))]
    if planes.halved:
        chroma = [_halve(plane) for plane in chroma]
    scaled = [luma * planes.peak, *(plane * planes.peak + planes.middle for plane in chroma)]
    return [np.clip(np.rint(plane), 0, planes.peak).astype(np.uint16) for plane in scaled]


def to_rgb(samples: Planes, planes: Format) -> Pixels:
    """Return pixels, uint8 (H, W, 3), of Y, U and V; U and V of half size are interpolated."""
    luma = samples[0].astype(np.float32) / planes.peak
    chroma: list[Floats] = [(plane.astype(np.float32) - planes.middle) / planes.peak for plane in samples[1:]]
    if planes.halved:
        chroma = [_double(_double(plane).T).T for plane in chroma]
    red = luma + 2 * (1 - RED) * chroma[1]
    blue = luma + 2 * (1 - BLUE) * chroma[0]
    green = (luma - RED * red - BLUE * blue) / GREEN
    return np.clip(np.rint(np.stack([red, green, blue], axis=2) * 255), 0, 255).astype(np.uint8)


def _halve(plane: Floats) -> Floats:
    mean: Floats = (plane[0::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 0::2] + plane[1::2, 1::2]) / 4
    return mean


def _double(plane: Floats) -> Floats:
    """Return twice the rows, linear between the centres of the given ones."""
    padded = np.pad(plane, ((1, 1), (0, 0)), "edge")
    doubled = np.empty((2 * plane.shape[0], plane.shape[1]), np.float32)
    doubled[0::2] = 0.75 * plane + 0.25 * padded[:-2]
    doubled[1::2] = 0.75 * plane + 0.25 * padded[2:]
    return doubled
