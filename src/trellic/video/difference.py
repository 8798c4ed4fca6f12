"""What the difference of a block to its prediction costs: kernels for the encoder's search.

Squares of 8×8 go through a Hadamard transform, as a residual goes through the model's: what is smooth costs little, in
whatever shape it comes. Large coefficients cost bits, as their magnitudes; small ones are rounded away, and cost
squared error.
"""

import numpy as np
import numpy.typing as npt

from trellic.kernels import kernel
from trellic.video.motion import BOTH, CELL, MACROBLOCK, SECOND
from trellic.video.planes import MARGIN

LARGEST = CELL * CELL * 256
"""Coefficients, sums of 64 samples, are below."""
SMALL, POINTS_PER_OCTAVE = 8.0, 32.0
"""The magnitude, in an orthonormal transform, below which a coefficient is small at quality 0, and points of quality
that halve it. As the rest of the search, measured by bits on training clips."""


def prices_at(quality: float) -> npt.NDArray[np.float32]:
    """Return what coefficients cost by magnitude, float32 (LARGEST,), at a quality of 0 to 100.

    A large coefficient costs half its magnitude in an orthonormal transform.
    """
    magnitudes, small = np.arange(LARGEST) / CELL, SMALL * 2 ** (-quality / POINTS_PER_OCTAVE)
    costs = np.where(magnitudes < small, np.square(magnitudes) / (2 * small), magnitudes - small / 2) / 2
    return costs.astype(np.float32)


@kernel
def _corner(between, y, x, vector):  # type: ignore[no-untyped-def]
    """Return the plane, row and column of a block that a vector points at; kept inside what is continued."""
    across, down = vector[0], vector[1]
    row = min(max(y + (down >> 2) + MARGIN, 0), between.shape[2] - MACROBLOCK)
    column = min(max(x + (across >> 2) + MARGIN, 0), between.shape[3] - MACROBLOCK)
    return between[down & 3, across & 3], row, column


@kernel
def _cost(rest, prices):  # type: ignore[no-untyped-def]
    """Return what a square costs, int32 (8, 8), which becomes its coefficients but for the last step."""
    for step in (1, 2, 4):
        for line in range(CELL):
            for start in range(0, CELL, 2 * step):
                for at in range(start, start + step):
                    one, other = rest[line, at], rest[line, at + step]
                    rest[line, at], rest[line, at + step] = one + other, one - other
    for step in (1, 2):
        for start in range(0, CELL, 2 * step):
            for line in range(start, start + step):
                for at in range(CELL):
                    one, other = rest[line, at], rest[line + step, at]
                    rest[line, at], rest[line + step, at] = one + other, one - other
    total = 0.0
    for line in range(CELL // 2):
        for at in range(CELL):
            one, other = rest[line, at], rest[line + CELL // 2, at]
            total += prices[abs(one + other)] + prices[abs(one - other)]
    return total


@kernel
def difference(current, y, x, size, planes, vectors, direction, prices, most):  # type: ignore[no-untyped-def]
    """Return what the difference of a block to what vectors, int64 (2, 2), predict in a direction, not NONE, costs.

    most  where it costs as much already, nothing more is added
    """
    rest, total = np.empty((CELL, CELL), np.int32), 0.0
    chosen = 1 if direction == SECOND else 0
    first, row, column = _corner(planes[chosen], y, x, vectors[chosen])
    second, below, beside = _corner(planes[-1], y, x, vectors[1])
    for top in range(0, size, CELL):
        for left in range(0, size, CELL):
            for line in range(CELL):
                for at in range(CELL):
                    shown = np.int32(first[row + top + line, column + left + at])
                    if direction == BOTH:
                        shown = (shown + second[below + top + line, beside + left + at] + 1) >> 1
                    rest[line, at] = np.int32(current[y + top + line, x + left + at]) - shown
            total += _cost(rest, prices)
            if total >= most:
                return total
    return total
