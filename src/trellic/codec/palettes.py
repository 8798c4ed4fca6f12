"""Fewer colours in exact units: similar ones are merged where the error is worth less than the bits that it saves.

Text and diagrams have few colours, and many shades between them along edges. A lossless codec pays for every shade.
Palettes are found by median cut and k-means, as Pillow has them. Where most of the pixels that are merged have one
colour, it stands for all of them: what is flat stays as it is.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from trellic.container.header import HIGHEST_QUALITY
from trellic.picture.types import Pixels

ALL = 0
"""Stands for all colours that there are."""
COUNTS = (128, 64, 32, 16, 8, 4)
"""Of colours, to try."""
MOST_OF_EXACT = 0.75
"""Bits of fewer colours beside those of all, at most."""
SETTLED = 0.001
"""Fraction of the pixels: where fewer change their colour, k-means ends."""


class ExactCost(NamedTuple):
    """What a tile takes when it is coded exactly in so many colours, or ALL.

    bits   of its samples
    error  squared error, in bits
    """

    colours: int
    bits: float
    error: float

    @property
    def cost(self) -> float:
        """Bits and error together."""
        return self.bits + self.error


def cheapest_palette(pixels: Pixels, code: Callable[[int], ExactCost], quality: int) -> ExactCost:
    """Return the least cost of pixels, uint8 (H, W, 3), at a quality of 0 to 25600, in all colours or fewer.

    Fewer are tried for as long as they cost less. What is drawn stays as it is at the highest quality, and where they
    save little.
    """
    exact = best = code(ALL)
    for count in _fewer(pixels) if quality < HIGHEST_QUALITY else ():
        trial = code(count)
        if trial.cost > best.cost:
            break
        best = trial
    return best if best.bits < MOST_OF_EXACT * exact.bits else exact


def _fewer(pixels: Pixels) -> list[int]:
    """Return the counts that are fewer colours than pixels have."""
    found = Image.fromarray(np.ascontiguousarray(pixels)).getcolors(COUNTS[0])
    return [count for count in COUNTS if found is None or count < len(found)]


def in_colours(pixels: Pixels, count: int) -> Pixels:
    """Return pixels, uint8 (H, W, 3), in at most so many colours, each near to theirs; as they are for ALL."""
    if count == ALL:
        return pixels
    image = Image.fromarray(np.ascontiguousarray(pixels))
    settled = 1 + int(SETTLED * image.width * image.height)
    reduced = image.quantize(count, Image.Quantize.MEDIANCUT, settled, dither=Image.Dither.NONE)
    numbers = np.asarray(reduced)
    palette = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)
    return _with_modes(pixels, numbers, palette)[numbers]


def _with_modes(pixels: Pixels, numbers: Pixels, palette: Pixels) -> Pixels:
    """Return a palette in which the colour of most of an entry's pixels, where there is one, has the entry's place."""
    wide = pixels.astype(np.uint32)
    packed = wide[:, :, 0] << 16 | wide[:, :, 1] << 8 | wide[:, :, 2]
    pairs, counts = np.unique(numbers.astype(np.uint64) << np.uint64(24) | packed, return_counts=True)
    entries, colours = (pairs >> np.uint64(24)).astype(np.intp), (pairs & np.uint64(0xFFFFFF)).astype(np.uint32)
    totals = np.bincount(entries, counts, len(palette))
    most = counts > totals[entries] / 2
    found = palette.copy()
    found[entries[most]] = np.stack([colours[most] >> shift & 0xFF for shift in (16, 8, 0)], axis=1)
    return found
