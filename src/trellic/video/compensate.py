"""Motion compensation: a prediction of a frame from decoded ones, exact by definition.

Each cell of 8×8 pixels predicts the 16×16 around it, and what four cells predict of a pixel is weighed together, so
that no block shows. Between pixels, eight taps interpolate. All in integers, samples of R, G and B alike; see
docs/video.md.
Sources: the taps are those of luma in H.265 (HEVC); overlapped block motion compensation, Orchard and Sullivan (1994).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trellic.kernels import kernel
from trellic.picture.types import Pixels
from trellic.video.motion import CELL, FIRST, NONE, SECOND, Motion

TAPS = np.array([
    [0, 0, 0, 64, 0, 0, 0, 0],
    [-1, 4, -10, 58, 17, -5, 1, 0],
    [-1, 4, -11, 40, 40, -11, 4, -1],
    [0, 1, -5, 17, 58, -10, 4, -1],
], np.int32)  # fmt: skip
"""By quarter pixels; of sum 64."""
WINDOW = 2 * CELL
CONTINUED = WINDOW + 8
"""Pixels that a reference is continued by: a window that lies farther away sees one row or column alone."""


def _weights() -> npt.NDArray[np.int32]:
    """Return what a cell's prediction counts at each of 16 positions across it: a squared sine, of sum 32 with the next
    cell's."""
    rising = np.rint(32 * np.sin(np.pi * (np.arange(CELL) + 0.5) / WINDOW) ** 2).astype(np.int32)
    return np.concatenate([rising, 32 - rising])


WEIGHTS = _weights()


@kernel
def _interpolate(source, vector, top, left, taps, lines, window):  # type: ignore[no-untyped-def]
    """Fill a window, int32 (16, 48), with the samples that a vector points at.

    source     a reference continued by CONTINUED on all sides, uint8 (H, 3 W)
    top, left  of the window in the frame, in pixels
    lines      room, int32 (23, 48)
    """
    height, width = source.shape[0] - 2 * CONTINUED, source.shape[1] // 3 - 2 * CONTINUED
    x, y = np.int64(vector[0]), np.int64(vector[1])
    column = 3 * (min(max(left + (x >> 2) - 3, -CONTINUED), width) + CONTINUED)
    row = min(max(top + (y >> 2) - 3, -CONTINUED), height) + CONTINUED
    if x & 3 == 0 and y & 3 == 0:
        for line in range(WINDOW):
            for at in range(3 * WINDOW):
                window[line, at] = source[row + 3 + line, column + 9 + at]
        return
    a, b, c, d, e, f, g, h = taps[x & 3]
    for line in range(WINDOW + 7):
        samples = source[row + line, column : column + 3 * (WINDOW + 7)]
        for at in range(3 * WINDOW):
            lines[line, at] = (
                a * samples[at] + b * samples[at + 3] + c * samples[at + 6] + d * samples[at + 9]
                + e * samples[at + 12] + f * samples[at + 15] + g * samples[at + 18] + h * samples[at + 21]
            )  # fmt: skip
    a, b, c, d, e, f, g, h = taps[y & 3]
    for line in range(WINDOW):
        for at in range(3 * WINDOW):
            total = (
                a * lines[line, at] + b * lines[line + 1, at] + c * lines[line + 2, at] + d * lines[line + 3, at]
                + e * lines[line + 4, at] + f * lines[line + 5, at] + g * lines[line + 6, at] + h * lines[line + 7, at]
            )  # fmt: skip
            window[line, at] = min(max((total + 2048) >> 12, 0), 255)


@kernel
def _compensate(sources, vectors, directions, taps, weights, sums):  # type: ignore[no-untyped-def]
    """Add what each cell predicts, times its weights, to sums, int32 (H, 3 W)."""
    height, width = sums.shape[0], sums.shape[1] // 3
    lines = np.empty((WINDOW + 7, 3 * WINDOW), np.int32)
    windows = np.empty((2, WINDOW, 3 * WINDOW), np.int32)
    for row in range(-1, (height + CELL // 2 - 1) // CELL + 1):
        for column in range(-1, (width + CELL // 2 - 1) // CELL + 1):
            inside = min(max(row, 0), len(directions) - 1), min(max(column, 0), directions.shape[1] - 1)
            top, left = CELL * row - CELL // 2, CELL * column - CELL // 2
            direction = directions[inside]
            for reference in range(len(sources)):
                if (direction >> reference) & 1:
                    vector = vectors[inside][reference]
                    _interpolate(sources[reference], vector, top, left, taps, lines, windows[reference])
            shown = windows[1] if direction == SECOND else windows[0]
            if direction != FIRST and direction != SECOND:
                for line in range(WINDOW):
                    for at in range(3 * WINDOW):
                        if direction == NONE:
                            shown[line, at] = 128
                        else:
                            shown[line, at] = (windows[0, line, at] + windows[1, line, at] + 1) >> 1
            first, last = 3 * max(-left, 0), 3 * min(WINDOW, width - left)
            for line in range(max(-top, 0), min(WINDOW, height - top)):
                for at in range(first, last):
                    sums[top + line, 3 * left + at] += weights[line] * weights[at // 3] * shown[line, at]


def compensate(references: Sequence[Pixels], motion: Motion) -> Pixels:
    """Return the prediction of a frame from its references, one or two; all uint8 (H, W, 3)."""
    height, width, _ = references[0].shape
    continued = [
        np.pad(one, ((CONTINUED, CONTINUED), (CONTINUED, CONTINUED), (0, 0)), mode="edge") for one in references
    ]
    sources = np.stack([one.reshape(len(one), -1) for one in continued])
    sums = np.zeros((height, 3 * width), np.int32)
    _compensate(sources, motion.vectors, motion.directions, TAPS, WEIGHTS, sums)
    return ((sums + 512) >> 10).astype(np.uint8).reshape(height, width, 3)
