"""Deblocking: samples on both sides of an edge between blocks move towards each other where they differ too much.

Each block's latents are predicted from what its decoder knows of it, so that a step may show where two meet, the more,
the lower the quality. How much larger a step is than what lies beside it lets expect decides how far both samples move:
by nothing or by one level at usual qualities, by two at most. All of it is in integers.
Source: in-loop filters of video coders, as in List et al., Adaptive deblocking filter (2003).
"""

import numpy as np

from trellic.container import Box, Grid
from trellic.container.header import HIGHEST_QUALITY
from trellic.picture.types import Pixels

REACH = 2
"""How many samples on each side are seen."""
FRACTION, START, FALL = 18, 27, 30
"""The fraction at most, in 1/128 of a step: START at quality 0, and FALL less at 100."""
HALF = 64
LARGEST_STEP = 16
"""What counts of a step, in half levels beyond what is expected: larger ones are of the picture."""


def fraction_at(quality: int) -> int:
    """Return how far samples move at a quality of 0 to 25600, in 1/128 of a step; 0 where none would move."""
    fraction = min(FRACTION, (START * HIGHEST_QUALITY - FALL * quality) // HIGHEST_QUALITY)
    return fraction if fraction * LARGEST_STEP >= HALF else 0


def deblock(pixels: Pixels, around: Box, grid: Grid, quality: int) -> None:
    """Move samples at the edges of blocks, in place.

    pixels   uint8 (3, H, W), of the box `around`
    quality  0 to 25600
    """
    fraction = fraction_at(quality)
    for planes, first, last, side in (
        (pixels, around.left, around.right, grid.tile_width),
        (pixels.swapaxes(1, 2), around.top, around.bottom, grid.tile_height),
    ):
        edges = range(-(-(first + REACH) // side) * side, last - REACH + 1, side)
        at = np.array(edges, np.intp) - first
        before, left, right, after = (planes[..., at + n].astype(np.int32) for n in (-2, -1, 0, 1))
        step = 3 * (right - left) - (after - before)
        move = (fraction * step.clip(-LARGEST_STEP, LARGEST_STEP) + HALF) >> 7
        planes[..., at - 1] = (left + move).clip(0, 255)
        planes[..., at] = (right - move).clip(0, 255)
