"""Pictures as the codec sees them: 8-bit RGB pixels, alpha and metadata, held in memory or given in strips."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain, groupby
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from trellic.errors import BadRequest
from trellic.picture.metadata import NO_METADATA, Metadata

Pixels = npt.NDArray[np.uint8]


class Converted(UserWarning):
    """A picture had to be converted before coding, and what that lost."""


def warn(message: str) -> None:
    """Warn of a lossy conversion."""
    warnings.warn(message, Converted, stacklevel=3)


_EXACT = ContextVar("exact", default=False)
"""Whether pictures are wanted as they are, sample by sample."""


@contextmanager
def exactly(wanted: bool = True) -> Iterator[None]:
    """Have what would change samples of pictures that are read refused, in this thread."""
    token = _EXACT.set(wanted)
    try:
        yield
    finally:
        _EXACT.reset(token)


def warn_of_samples(message: str) -> None:
    """Warn that samples of a picture are changed, or not kept. Raises BadRequest where it is wanted exactly."""
    if _EXACT.get():
        raise BadRequest(f"{message}: that is not lossless, convert the picture first")
    warnings.warn(message, Converted, stacklevel=3)


class Source(Protocol):
    """A picture that can be coded: it gives its rows on request, from memory or from a file.

    width, height  in pixels
    grey           whether all three channels are one
    metadata       colour space, EXIF and the like
    """

    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def height(self) -> int: ...  # noqa: D102
    @property
    def grey(self) -> bool: ...  # noqa: D102
    @property
    def metadata(self) -> Metadata: ...  # noqa: D102

    def rows(self, top: int, bottom: int) -> tuple[Pixels, Pixels | None]:
        """Return rows, uint8 (bottom − top, W, 3), and their alpha, (bottom − top, W), or None where there is none.

        Rows are asked for from top to bottom, some of them twice; or from the top again.
        """


@dataclass(frozen=True)
class Picture:
    """A picture ready for coding, held in memory: a `Source`.

    pixels    uint8 (H, W, 3)
    grey      whether all three channels are one
    alpha     uint8 (H, W), or None where everything is opaque
    metadata  colour space, EXIF and the like
    carried   the stream that it says it was decoded from, or empty
    """

    pixels: Pixels
    grey: bool = False
    alpha: Pixels | None = None
    metadata: Metadata = NO_METADATA
    carried: bytes = b""

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Rows."""
        return self.pixels.shape[0]

    def rows(self, top: int, bottom: int) -> tuple[Pixels, Pixels | None]:
        """Return rows and their alpha, as a `Source` does."""
        return self.pixels[top:bottom], self.alpha[top:bottom] if self.alpha is not None else None


class Part(NamedTuple):
    """A box of a decoded picture: its upper left corner, pixels, uint8 (h, w, 3), and alpha, (h, w).

    alpha  None where the whole picture is opaque
    """

    left: int
    top: int
    pixels: Pixels
    alpha: Pixels | None


@dataclass(frozen=True)
class Strips:
    """A decoded picture from top to bottom, in strips of the whole width, each in one part or several.

    count  of all parts
    parts  of each strip from left to right: a very wide one is not held whole
    """

    width: int
    height: int
    grey: bool
    has_alpha: bool
    metadata: Metadata
    count: int
    parts: Iterator[Part]

    def strips(self) -> Iterator[tuple[Pixels, Pixels | None]]:
        """Yield the pixels of each strip, uint8 (h, W, 3), and its alpha, (h, W), or None."""
        for _, parts in groupby(self.parts, lambda part: part.top):
            yield self._joined(parts)

    def join(self) -> Picture:
        """Return the picture, all strips taken."""
        pixels, alpha = self._joined(self.parts, self.height)
        return Picture(pixels, self.grey, alpha, self.metadata)

    def _joined(self, parts: Iterator[Part], height: int = 0) -> tuple[Pixels, Pixels | None]:
        """Return so many rows, or those of one strip, put together from their parts, and their alpha."""
        first = next(parts)
        height = height or len(first.pixels)
        pixels = np.empty((height, self.width, 3), np.uint8)
        alpha = np.empty((height, self.width), np.uint8) if self.has_alpha else None
        for left, top, its, its_alpha in chain([first], parts):
            place = slice(top - first.top, top - first.top + its.shape[0]), slice(left, left + its.shape[1])
            pixels[place] = its
            if alpha is not None and its_alpha is not None:
                alpha[place] = its_alpha
        return pixels, alpha


def mode_of(grey: bool, has_alpha: bool) -> str:
    """Return the mode of the Pillow image that a decoded picture becomes."""
    return ("L" if grey else "RGB") + ("A" if has_alpha else "")


def is_grey(pixels: Pixels) -> bool:
    """Return whether all three channels of pixels, uint8 (H, W, 3), are one."""
    strips = (pixels[top : top + 64] for top in range(0, len(pixels), 64))  # most pictures are not grey from the first
    return all(bool((strip[:, :, :1] == strip[:, :, 1:]).all()) for strip in strips)


def interleave(planes: Pixels, pixels: Pixels) -> None:
    """Put planes, uint8 (3, H, W), into pixels, (H, W, 3): three strided copies are quicker than one transposed."""
    for channel in range(3):
        pixels[:, :, channel] = planes[channel]
