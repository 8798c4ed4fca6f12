"""The motion of a frame ⇄ indices, and which of its blocks have no residual: what comes first in a frame's bytes.

Indices are coded one by one, each by the table that those before it choose. One kernel walks through a frame; it reads
symbols where there is a coder, and else lists what is to be coded.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.rans import Decoder, Encoder, next_index
from trellic.entropy.states import CdfIndices, Indices
from trellic.errors import DamagedStream
from trellic.kernels import kernel
from trellic.video.motion import BOTH, FIRST, GREY, NONE, SPLIT, VECTOR, Symbols, Uint8s
from trellic.video.tables import DIFFERENCES, DIRECTIONS, MODES, SKIPS, motion_tables

SKIP_SIDE = 64
"""Pixels of a side of what may have no residual: one position of z."""
MIDDLE_MODE = 3
"""Indices count from it, that tables are of few symbols."""
LARGEST_DIFFERENCE = 1 << 14
PER_MACROBLOCK = 18
"""Indices that one takes at most: its mode, its direction, and four cells with two vectors each."""


class Field(NamedTuple):
    """What precedes the residual of a predicted frame.

    symbols  of its motion
    skipped  uint8 (H/64, W/64), rounded up: 1 where a block's residual is 0
    """

    symbols: Symbols
    skipped: Uint8s

    @classmethod
    def empty(cls, height: int, width: int) -> "Field":
        """Return zeros for a frame of a size in pixels."""
        skipped = np.zeros((-(-height // SKIP_SIDE), -(-width // SKIP_SIDE)), np.uint8)
        return cls(Symbols.empty(height, width), skipped)


@kernel(inline="always")
def _class_of(mode):  # type: ignore[no-untyped-def]
    """Return what of a neighbour's mode matters: whether it merges, has one vector, or is anything else."""
    return 0 if mode < VECTOR else (1 if mode == VECTOR else 2)


@kernel
def mode_table(modes, y, x, references):  # type: ignore[no-untyped-def]
    """Return the table of a macroblock's mode; for kernels."""
    left = _class_of(modes[y, x - 1]) if x > 0 else 0
    top = _class_of(modes[y - 1, x]) if y > 0 else 0
    return MODES + 9 * (references - 1) + 3 * left + top


@kernel
def direction_table(directions, x, y):  # type: ignore[no-untyped-def]
    """Return the table of a macroblock's direction; for kernels."""
    return DIRECTIONS + (directions[y, x - 1] if x > 0 else 0)


@kernel
def largest_difference(differences, y, x):  # type: ignore[no-untyped-def]
    """Return the largest sum of both magnitudes of a macroblock's differences; for kernels."""
    largest = np.int64(0)
    for cell in range(4):
        for reference in range(2):
            both = differences[y, x, cell, reference]
            largest = max(largest, abs(np.int64(both[0])) + abs(np.int64(both[1])))
    return largest


@kernel
def difference_table(differences, y, x, cell):  # type: ignore[no-untyped-def]
    """Return the table of the horizontal differences of a cell; the next one is that of vertical ones; for kernels."""
    around = largest_difference(differences, y, x - 1) if x > 0 else 0
    around += largest_difference(differences, y - 1, x) if y > 0 else 0
    level = 0 if around < 2 else (1 if around < 8 else (2 if around < 24 else 3))
    return DIFFERENCES + 8 * (cell > 0) + 2 * level


@kernel
def _code(value, table, at, cdf_indices, indices, coder, room):  # type: ignore[no-untyped-def]
    """Return a value that is read, or list it."""
    if coder is not None:
        return next_index(coder, table, room)
    cdf_indices[at], indices[at] = table, value
    return np.int64(value)


@kernel
def _walk(modes, directions, differences, skipped, references, cdf_indices, indices, coder):  # type: ignore[no-untyped-def]
    """Return how many indices were listed, or read; -1 where one is impossible."""
    room = np.empty(1, np.uint8), np.empty(1, np.int32)
    count = 0
    for y in range(modes.shape[0]):
        for x in range(modes.shape[1]):
            table = mode_table(modes, y, x, references)
            mode = _code(np.int64(modes[y, x]) - MIDDLE_MODE, table, count, cdf_indices, indices, coder, room)
            mode += MIDDLE_MODE
            count += 1
            if not 0 <= mode <= GREY:
                return -1
            modes[y, x] = mode
            if mode < VECTOR or mode == GREY:
                continue
            direction = np.int64(FIRST)
            if references == 2:
                table = direction_table(directions, x, y)
                direction = _code(np.int64(directions[y, x]) - 2, table, count, cdf_indices, indices, coder, room) + 2
                count += 1
                if not NONE < direction <= BOTH:
                    return -1
            directions[y, x] = direction
            for cell in range(4 if mode == SPLIT else 1):
                table = difference_table(differences, y, x, cell)
                for reference in range(references):
                    if (direction >> reference) & 1:
                        for axis in range(2):
                            value = np.int64(differences[y, x, cell, reference, axis])
                            value = _code(value, table + axis, count, cdf_indices, indices, coder, room)
                            count += 1
                            if abs(value) > LARGEST_DIFFERENCE:
                                return -1
                            differences[y, x, cell, reference, axis] = value
    for y in range(skipped.shape[0]):
        for x in range(skipped.shape[1]):
            around = (skipped[y, x - 1] if x > 0 else 0) + (skipped[y - 1, x] if y > 0 else 0)
            value = _code(np.int64(skipped[y, x]), SKIPS + around, count, cdf_indices, indices, coder, room)
            count += 1
            if not 0 <= value <= 1:
                return -1
            skipped[y, x] = value
    return count


def indices_of(field: Field, references: int) -> tuple[CdfIndices, Indices]:
    """Return the cdf indices and the indices of a field in coding order, (n,), for one or two references."""
    most = PER_MACROBLOCK * field.symbols.modes.size + field.skipped.size
    cdf_indices, indices = np.empty(most, np.uint8), np.empty(most, np.int32)
    count = _walk(*field.symbols, field.skipped, references, cdf_indices, indices, None)
    return cdf_indices[:count], indices[:count]


def push_field(coder: Encoder, field: Field, references: int) -> None:
    """Add a field to coded data, for one or two references."""
    cdf_indices, indices = indices_of(field, references)
    coder.push(cdf_indices, indices, motion_tables())


def pull_field(coder: Decoder, height: int, width: int, references: int) -> Field:
    """Return the next field of coded data, of a frame of a size in pixels. Raises DamagedStream."""
    field, cursor = Field.empty(height, width), coder.cursor(motion_tables())
    nothing: npt.NDArray[np.uint8] = np.empty(0, np.uint8)
    count = _walk(*field.symbols, field.skipped, references, nothing, np.empty(0, np.int32), cursor)
    if count < 0:
        raise DamagedStream("coded data holds impossible motion")
    coder.resume(cursor)
    return field
