"""Luma for the search of motion: at half size, and between pixels."""

import numpy as np
import numpy.typing as npt

from trellic.kernels import kernel
from trellic.picture.types import Pixels
from trellic.video.compensate import TAPS
from trellic.video.motion import MACROBLOCK, Uint8s

MARGIN = 40
"""Pixels that luma between pixels is continued by: what lies farther away is found less exactly."""
SEARCH_SIDE = 8
"""Side of the blocks that are searched for in planes of half the size."""


def luma(pixels: Pixels) -> Uint8s:
    """Return (R + 2 G + B) / 4, uint8 (H, W), continued to whole macroblocks, of pixels, uint8 (H, W, 3)."""
    wide = pixels.astype(np.uint16)
    mean = ((wide[:, :, 0] + 2 * wide[:, :, 1] + wide[:, :, 2] + 2) >> 2).astype(np.uint8)
    height, width = mean.shape
    return np.pad(mean, ((0, -height % MACROBLOCK), (0, -width % MACROBLOCK)), mode="edge")


def halved(plane: Uint8s) -> Uint8s:
    """Return the rounded means of squares of four, uint8 (H/2, W/2)."""
    wide = plane.astype(np.uint16)
    sums = wide[0::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 0::2] + wide[1::2, 1::2]
    return ((sums + 2) >> 2).astype(np.uint8)


@kernel
def _interpolate(plane, taps, between):  # type: ignore[no-untyped-def]
    height, width = between.shape[2:]
    lines = np.empty((height + 7, width), np.int32)
    for x in range(4):
        a, b, c, d, e, f, g, h = taps[x]
        for row in range(height + 7):
            samples = plane[row]
            for at in range(width):
                lines[row, at] = (
                    a * samples[at] + b * samples[at + 1] + c * samples[at + 2] + d * samples[at + 3]
                    + e * samples[at + 4] + f * samples[at + 5] + g * samples[at + 6] + h * samples[at + 7]
                )  # fmt: skip
        for y in range(4):
            a, b, c, d, e, f, g, h = taps[y]
            for row in range(height):
                for at in range(width):
                    total = (
                        a * lines[row, at] + b * lines[row + 1, at] + c * lines[row + 2, at] + d * lines[row + 3, at]
                        + e * lines[row + 4, at] + f * lines[row + 5, at] + g * lines[row + 6, at]
                        + h * lines[row + 7, at]
                    )  # fmt: skip
                    between[y, x, row, at] = min(max((total + 2048) >> 12, 0), 255)


def interpolated(plane: Uint8s) -> Uint8s:
    """Return a plane, uint8 (H, W), at all quarter pixels: uint8 (4, 4, H, W), by (y, x); continued by MARGIN."""
    before, after = MARGIN + 3, MARGIN + 4
    continued = np.pad(plane, ((before, after), (before, after)), mode="edge")
    height, width = (side + 2 * MARGIN for side in plane.shape)
    between: npt.NDArray[np.uint8] = np.empty((4, 4, height, width), np.uint8)
    _interpolate(continued, TAPS, between)
    return between


@kernel
def _full_search(current, reference, reach, found, least):  # type: ignore[no-untyped-def]
    """Fill vectors and sums; `reference` is continued by `reach`."""
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            top, left = SEARCH_SIDE * y, SEARCH_SIDE * x
            best = np.int64(1) << 40
            for down in range(-reach, reach + 1):
                for right in range(-reach, reach + 1):
                    total = np.int64(abs(down) + abs(right))
                    for line in range(SEARCH_SIDE):
                        for at in range(SEARCH_SIDE):
                            one = np.int64(current[top + line, left + at])
                            total += abs(one - reference[top + line + down + reach, left + at + right + reach])
                        if total >= best:
                            break
                    if total < best:
                        best = total
                        found[y, x, 0], found[y, x, 1] = right, down
            least[y, x] = best


def full_search(current: Uint8s, reference: Uint8s, reach: int) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64]]:
    """Return for each block of 8×8 of a plane where it lies in another, and by how much it differs there.

    reach  how far it is looked for, each way
    Returns vectors (x, y), int16 (H/8, W/8, 2), and sums of absolute differences, to which the lengths of vectors,
    |x| + |y|, are added: int64 (H/8, W/8).
    """
    rows, columns = current.shape[0] // SEARCH_SIDE, current.shape[1] // SEARCH_SIDE
    found, least = np.zeros((rows, columns, 2), np.int16), np.zeros((rows, columns), np.int64)
    continued = np.pad(reference, reach, mode="edge")
    _full_search(current, continued, reach, found, least)
    return found, least
