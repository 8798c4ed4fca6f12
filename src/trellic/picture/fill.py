"""Invisible pixels filled smoothly: what lies under alpha 0 is invisible, and costs bits.

Each is filled with the mean of what is visible near it, by a pyramid that is summed up and expanded again.
Source: Gortler et al., "The Lumigraph", 1996 (push-pull).
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.picture.metadata import Metadata
from trellic.picture.types import Picture, Pixels, Source, is_grey

Floats = npt.NDArray[np.floating[Any]]

BLOCK = 256
"""Rows of a picture in strips that are filled at a time, and apart: no more of it is held."""
NOTHING_SEEN = 128
"""The value where nothing is visible."""


def filled(source: Source) -> Source:
    """Return the picture with its invisible pixels filled."""
    if not isinstance(source, Picture):
        return FilledStrips(source)
    if source.alpha is None or source.alpha.all():
        return source
    pixels = fill(source.pixels, source.alpha)
    return replace(source, pixels=pixels, grey=source.grey or is_grey(pixels))


def fill(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Return pixels, uint8 (H, W, 3), with those filled where alpha, (H, W), is 0."""
    seen = alpha > 0
    if seen.all():
        return pixels
    if not seen.any():
        return np.full_like(pixels, NOTHING_SEEN)
    found = pixels.copy()
    for channel in range(3):
        smooth = _push_pull(np.where(seen, pixels[:, :, channel], 0).astype(np.float32), seen.astype(np.float32))
        found[:, :, channel] = np.where(seen, pixels[:, :, channel], np.rint(smooth))
    return found


def _push_pull(sums: Floats, weights: Floats) -> Floats:
    """Return means where weights are, (H, W), and what surrounds them elsewhere."""
    means: Floats = sums / np.maximum(weights, np.float32(1e-6))
    if weights.all():
        return means
    seen = _halved(weights)
    coarse = np.minimum(seen, np.float32(1))
    around = _push_pull(_halved(sums) * (coarse / np.maximum(seen, np.float32(1e-6))), coarse)
    height, width = weights.shape
    return np.where(weights > 0, means, _doubled(around)[:height, :width])


def _halved(plane: Floats) -> Floats:
    """Return the sums of 2×2."""
    plane = np.pad(plane, ((0, plane.shape[0] % 2), (0, plane.shape[1] % 2)))
    return plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]


def _doubled(plane: Floats) -> Floats:
    """Return a plane of twice the sides, interpolated linearly."""
    for _ in range(2):
        padded = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
        lines = np.stack([padded[:-2] + 3 * plane, padded[2:] + 3 * plane], axis=1) / np.float32(4)
        plane = lines.reshape(-1, plane.shape[1]).T
    return plane


@dataclass
class FilledStrips:
    """A picture that is read in strips, its invisible pixels filled in blocks of rows: a `Source`."""

    source: Source
    blocks: dict[int, tuple[Pixels, Pixels | None]] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return self.source.width

    @property
    def height(self) -> int:
        """Rows."""
        return self.source.height

    @property
    def grey(self) -> bool:
        """Whether all three channels are one."""
        return self.source.grey

    @property
    def metadata(self) -> Metadata:
        """Colour space, EXIF and the like."""
        return self.source.metadata

    def rows(self, top: int, bottom: int) -> tuple[Pixels, Pixels | None]:
        """Return rows and their alpha, as a `Source` does."""
        numbers = range(top // BLOCK, -(-bottom // BLOCK))
        self.blocks = {number: self.blocks.get(number) or self._read(number) for number in numbers}
        strips = [pixels for pixels, _ in self.blocks.values()]
        planes = [alpha for _, alpha in self.blocks.values() if alpha is not None]
        shown = slice(top - numbers.start * BLOCK, bottom - numbers.start * BLOCK)
        return np.concatenate(strips)[shown], np.concatenate(planes)[shown] if planes else None

    def _read(self, number: int) -> tuple[Pixels, Pixels | None]:
        top = number * BLOCK
        pixels, alpha = self.source.rows(top, min(top + BLOCK, self.height))
        return (pixels, None) if alpha is None else (fill(pixels, alpha), alpha)
