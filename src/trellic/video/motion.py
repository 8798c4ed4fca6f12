"""Motion: which earlier pixels each part of a frame is predicted from, and the integers that say so.

A frame is cut into macroblocks of 16×16 pixels, each of four cells of 8×8. A cell has a vector for each of one or two
reference frames, in quarter pixels, and a direction: which references it is predicted from. `Symbols` are what a stream
holds, `Motion` what they stand for. All is integers: every machine gets the same.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.errors import DamagedStream
from trellic.kernels import copy, kernel

MACROBLOCK, CELL = 16, 8
MEDIAN, LEFT, TOP, DIRECT, VECTOR, SPLIT, GREY = range(7)
"""Modes of a macroblock. The first four take another's motion, and send none."""
NONE, FIRST, SECOND, BOTH = range(4)
"""Directions. A cell of none is grey: its prediction is 128."""
LONGEST = 1 << 12
"""Quarter pixels of a vector, either way."""

Int16s = npt.NDArray[np.int16]
Uint8s = npt.NDArray[np.uint8]


class Symbols(NamedTuple):
    """What a stream holds of a frame's motion.

    modes        uint8 (rows, columns) of macroblocks
    directions   uint8 of VECTOR and SPLIT, NONE where the mode is another
    differences  int16 (rows, columns, 4, 2, 2): of the vectors sent to their predictions, by cell, reference and (x, y)
    """

    modes: Uint8s
    directions: Uint8s
    differences: Int16s

    @classmethod
    def empty(cls, height: int, width: int) -> "Symbols":
        """Return zeros for a frame of a size in pixels."""
        rows, columns = -(-height // MACROBLOCK), -(-width // MACROBLOCK)
        shape = rows, columns
        return cls(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.zeros((*shape, 4, 2, 2), np.int16))


class Motion(NamedTuple):
    """The motion of a frame.

    vectors     int16 (2 rows, 2 columns, 2, 2): of each cell, by reference and (x, y), in quarter pixels. A vector that
                is not sent is the other one, scaled.
    directions  uint8 (2 rows, 2 columns)
    distance    frames from the first reference to this frame; negative where that comes later, 0 where there is none
    """

    vectors: Int16s
    directions: Uint8s
    distance: int

    @classmethod
    def still(cls, height: int, width: int, distance: int = 0) -> "Motion":
        """Return no motion at all, for a frame of a size in pixels: that of frames that are not predicted."""
        rows, columns = 2 * -(-height // MACROBLOCK), 2 * -(-width // MACROBLOCK)
        return cls(np.zeros((rows, columns, 2, 2), np.int16), np.full((rows, columns), FIRST, np.uint8), distance)


def direct_vectors(motion: Motion, distances: tuple[int, ...]) -> Int16s:
    """Return the vectors of a frame that goes on as another frame does, int16 (2 rows, 2 columns, 2, 2).

    distances  frames from each reference to this one
    """
    found = np.zeros_like(motion.vectors)
    if motion.distance:
        for reference, distance in enumerate(distances):
            first = motion.vectors[:, :, 0].astype(np.int64)
            found[:, :, reference] = _scaled_all(first, distance, motion.distance)
    return found


def _scaled_all(values: npt.NDArray[np.int64], to: int, of: int) -> npt.NDArray[np.int64]:
    to, of = (-to, -of) if of < 0 else (to, of)
    return np.clip((2 * values * to + of) // (2 * of), -LONGEST, LONGEST)


@kernel
def scaled(value, to, of):  # type: ignore[no-untyped-def]
    """Return a component of a vector over `of` frames as it is over `to`, rounded; for kernels."""
    if of < 0:
        to, of = -to, -of
    return min(max((2 * np.int64(value) * to + of) // (2 * of), -LONGEST), LONGEST)


@kernel
def _median(a, b, c):  # type: ignore[no-untyped-def]
    return max(min(a, b), min(max(a, b), c))


@kernel
def predicted_vector(vectors, row, column, reference, axis):  # type: ignore[no-untyped-def]
    """Return the component that a macroblock's vector is predicted to have: the median of its neighbours'.

    row, column  of its first cell
    Beyond the frame vectors are 0. Above the first row, the left one stands for all; at the right end, the one above at
    the left stands for the one above at the right.
    """
    left = vectors[row, column - 1, reference, axis] if column > 0 else np.int16(0)
    if row == 0:
        return left
    top = vectors[row - 1, column, reference, axis]
    if column + 2 < vectors.shape[1]:
        corner = vectors[row - 1, column + 2, reference, axis]
    else:
        corner = vectors[row - 1, column - 1, reference, axis] if column > 0 else np.int16(0)
    return _median(left, top, corner)


@kernel
def predicted_split(vectors, row, column, cell, reference, axis):  # type: ignore[no-untyped-def]
    """Return the component that a cell of a split macroblock is predicted to have, from the cells before it."""
    first = vectors[row, column, reference, axis]
    if cell < 3:
        return first
    return _median(first, vectors[row, column + 1, reference, axis], vectors[row + 1, column, reference, axis])


@kernel
def fill(vectors, directions, row, column, cells, direction, distances):  # type: ignore[no-untyped-def]
    """Give cells a direction, and the vector that is not sent: the other one, scaled; for kernels.

    row, column  of the first cell; its vector is repeated where `cells` is 2, a whole macroblock
    """
    if direction == NONE:
        vectors[row, column] = 0
    elif len(distances) == 2 and direction != BOTH:
        sent, other = direction - 1, 2 - direction
        for axis in range(2):
            value = vectors[row, column, sent, axis]
            vectors[row, column, other, axis] = scaled(value, distances[other], distances[sent])
    for down in range(cells):
        for right in range(cells):
            copy(vectors[row, column], vectors[row + down, column + right])
            directions[row + down, column + right] = direction


@kernel
def merge(mode, vectors, directions, direct, row, column, distances):  # type: ignore[no-untyped-def]
    """Give a macroblock the motion that one of the first four modes takes; for kernels.

    The median has the direction of the left neighbour, else of the one above, else all references. Where there is no
    neighbour, LEFT and TOP are DIRECT.
    """
    everything = BOTH if len(distances) == 2 else FIRST
    if mode == LEFT and column > 0:
        copy(vectors[row, column - 1], vectors[row, column])
        fill(vectors, directions, row, column, 2, np.int64(directions[row, column - 1]), distances)
    elif mode == TOP and row > 0:
        copy(vectors[row - 1, column], vectors[row, column])
        fill(vectors, directions, row, column, 2, np.int64(directions[row - 1, column]), distances)
    elif mode == MEDIAN:
        for reference in range(len(distances)):
            for axis in range(2):
                vectors[row, column, reference, axis] = predicted_vector(vectors, row, column, reference, axis)
        direction = np.int64(directions[row, column - 1]) if column > 0 else NONE
        if direction == NONE and row > 0:
            direction = np.int64(directions[row - 1, column])
        fill(vectors, directions, row, column, 2, everything if direction == NONE else direction, distances)
    else:
        for down in range(2):
            for right in range(2):
                copy(direct[row + down, column + right], vectors[row + down, column + right])
                fill(vectors, directions, row + down, column + right, 1, everything, distances)


@kernel
def _resolve(modes, sent, differences, direct, distances, vectors, directions):  # type: ignore[no-untyped-def]
    """Return whether all vectors are possible."""
    for y in range(modes.shape[0]):
        for x in range(modes.shape[1]):
            row, column, mode = 2 * y, 2 * x, np.int64(modes[y, x])
            if mode < VECTOR:
                merge(mode, vectors, directions, direct, row, column, distances)
                continue
            if mode == GREY:
                fill(vectors, directions, row, column, 2, NONE, distances)
                continue
            for cell in range(4 if mode == SPLIT else 1):
                at, beside = row + cell // 2, column + cell % 2
                for reference in range(len(distances)):
                    if not (sent[y, x] >> reference) & 1:
                        continue
                    for axis in range(2):
                        if cell == 0:
                            value = np.int64(predicted_vector(vectors, row, column, reference, axis))
                        else:
                            value = np.int64(predicted_split(vectors, row, column, cell, reference, axis))
                        value += differences[y, x, cell, reference, axis]
                        if abs(value) > LONGEST:
                            return False
                        vectors[at, beside, reference, axis] = value
                fill(vectors, directions, at, beside, 1 if mode == SPLIT else 2, np.int64(sent[y, x]), distances)
    return True


def resolve(symbols: Symbols, direct: Int16s, distances: tuple[int, ...]) -> Motion:
    """Return the motion that symbols stand for.

    direct     vectors of DIRECT, as `direct_vectors` gives them
    distances  frames from each reference to this one, one or two
    Raises DamagedStream for impossible vectors.
    """
    rows, columns = symbols.modes.shape
    vectors = np.zeros((2 * rows, 2 * columns, 2, 2), np.int16)
    directions = np.zeros((2 * rows, 2 * columns), np.uint8)
    if not _resolve(*symbols, direct, np.array(distances), vectors, directions):
        raise DamagedStream("impossible motion")
    return Motion(vectors, directions, distances[0])
