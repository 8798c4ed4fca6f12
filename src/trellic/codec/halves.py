"""Checkerboard halves of latents: gather what is coded together into a line, and put it back.

Planes are float32 (C, H, W), C-contiguous; a half is EVEN (row + column is even), ODD, or WHOLE. A line is in scan
order: channel by channel, row by row.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float32]

EVEN, ODD, WHOLE = 0, 1, 2


@njit(cache=True, nogil=True)
def _walk(planes, half, line, gathering):  # type: ignore[no-untyped-def]
    channels, height, width = planes.shape
    at = 0
    for channel in range(channels):
        for row in range(height):
            stride = 1 if half == WHOLE else 2
            start = 0 if half == WHOLE else (row + half) & 1
            for column in range(start, width, stride):
                if gathering:
                    line[at] = planes[channel, row, column]
                else:
                    planes[channel, row, column] = line[at]
                at += 1


def gather(planes: Floats, half: int) -> Floats:
    """Return the half's values in scan order, (n,)."""
    channels, height, width = planes.shape
    even = (height * width + 1) // 2
    count = {EVEN: even, ODD: height * width - even, WHOLE: height * width}[half]
    line = np.empty(channels * count, np.float32)
    _walk(planes, half, line, True)
    return line


def scatter(line: Floats, planes: Floats, half: int) -> None:
    """Put a half's values in their places."""
    _walk(planes, half, line, False)
