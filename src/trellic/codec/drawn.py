"""Whether pixels look drawn, as text, diagrams and screens do: a guess that takes no time compared with analysis.

What is drawn repeats itself: of the pairs of neighbouring colours in a block few are distinct, or, in smooth gradients,
of those of differences. In photographs, grey and soft ones too, most are. (Of blocks of CID22, Kodak and X-rays none
has less than 0.24 distinct pairs of colours or less than 0.02 of differences; of those of screens, nearly all have.)
"""

from typing import NamedTuple

import numpy as np

from trellic.codec.tiles import windows
from trellic.container import Grid
from trellic.picture.types import Pixels, Source

BLOCK = 256
"""Side in pixels of the blocks, each decided by itself."""
SPACING = 8
"""Rows and columns from one pair that is counted to the next."""
MOST_COLOURS, MOST_DIFFERENCES = 0.2, 0.02
"""Distinct pairs among those of a block that looks drawn."""
MOSTLY = 0.5
"""Fraction of the blocks of a tile that looks drawn from which on an exact coding of it is tried."""


class Survey(NamedTuple):
    """What a picture's tiles look like.

    fraction  of all blocks, those that look drawn
    drawn     the numbers of the tiles that look drawn, mostly
    flat      those of one colour
    """

    fraction: float
    drawn: frozenset[int]
    flat: frozenset[int]


def survey(source: Source, grid: Grid) -> Survey:
    """Look at all tiles of a picture."""
    fractions, flat = [], set()
    for number, window in enumerate(windows(source, grid, 0)):
        fractions.append(drawn_fraction(window.own))
        if fractions[-1] == 1 and (window.own == window.own[0, 0]).all():
            flat.add(number)
    drawn = frozenset(number for number, fraction in enumerate(fractions) if fraction >= MOSTLY)
    return Survey(sum(fractions) / len(fractions), drawn, frozenset(flat))


def drawn_fraction(pixels: Pixels) -> float:
    """Return the fraction of blocks that look drawn, of uint8 (H, W, 3)."""
    height, width = pixels.shape[:2]
    drawn = [
        _looks_drawn(pixels[top : top + BLOCK, left : left + BLOCK])
        for top in range(0, height, BLOCK)
        for left in range(0, width, BLOCK)
    ]
    return sum(drawn) / len(drawn)


def _looks_drawn(block: Pixels) -> bool:
    rows, above = block[SPACING::SPACING], block[SPACING - 1 : -1 : SPACING]
    across = np.diff(rows, axis=1) - np.diff(above, axis=1)  # of bytes: what overflows does not matter
    return _distinct(block[::SPACING]) <= MOST_COLOURS or _distinct(across) <= MOST_DIFFERENCES


def _distinct(rows: Pixels) -> float:
    """Return the fraction of distinct pairs among neighbours in a row; 0 where there are none."""
    wide = rows.astype(np.uint64)
    colours = wide[:, :, 0] << np.uint64(16) | wide[:, :, 1] << np.uint64(8) | wide[:, :, 2]
    pairs = (colours[:, :-1] << np.uint64(24) | colours[:, 1:])[:, ::SPACING]
    return len(np.unique(pairs)) / max(pairs.size, 1)
