"""Motion estimation: the encoder's search for the symbols of a frame's motion, by differences of luma and bits.

A block is looked for at half size, then around what its neighbours say, to a quarter of a pixel. What counts is the
sum of absolute differences plus the bits of the very tables that will code the symbols.
"""

from collections.abc import Sequence

import numpy as np

from trellic.entropy.bits import index_bits
from trellic.kernels import kernel
from trellic.picture.types import Pixels
from trellic.video.field import MIDDLE_MODE, difference_table, direction_table, mode_table
from trellic.video.motion import (
    BOTH,
    DIRECT,
    GREY,
    LONGEST,
    MACROBLOCK,
    NONE,
    SPLIT,
    VECTOR,
    Int16s,
    Motion,
    Symbols,
    direct_vectors,
    fill,
    merge,
    predicted_split,
    predicted_vector,
)
from trellic.video.planes import MARGIN, full_search, halved, luma
from trellic.video.reference import Reference
from trellic.video.tables import motion_tables

NEAR, FAR = 16, 32
"""How far blocks are looked for at half size, each way: between neighbours, and between frames farther apart."""
ROUNDS = 8
"""Steps of whole pixels that a vector goes at most, beyond where it starts."""
GREYER = 4
"""How much a difference to a macroblock's mean counts: a residual that is the picture itself takes many bits."""
WELL_PREDICTED = 256
"""A difference of one level a pixel: a macroblock that is predicted so well is not split."""


@kernel
def _corner(between, y, x, vector):  # type: ignore[no-untyped-def]
    """Return the plane, row and column of a block that a vector points at; kept inside what is continued."""
    across, down = vector[0], vector[1]
    row = min(max(y + (down >> 2) + MARGIN, 0), between.shape[2] - MACROBLOCK)
    column = min(max(x + (across >> 2) + MARGIN, 0), between.shape[3] - MACROBLOCK)
    return between[down & 3, across & 3], row, column


@kernel
def _difference(current, y, x, size, planes, vectors, direction):  # type: ignore[no-untyped-def]
    """Return the sum of absolute differences of a block to what vectors, int64 (2, 2), predict in a direction."""
    total = np.int64(0)
    if direction == NONE:
        for line in range(size):
            for at in range(size):
                total += abs(np.int64(current[y + line, x + at]) - 128)
    elif direction == BOTH:
        first, row, column = _corner(planes[0], y, x, vectors[0])
        second, below, beside = _corner(planes[-1], y, x, vectors[1])
        for line in range(size):
            for at in range(size):
                mean = (np.int32(first[row + line, column + at]) + second[below + line, beside + at] + 1) >> 1
                total += abs(np.int32(current[y + line, x + at]) - mean)
    else:
        only, row, column = _corner(planes[direction - 1], y, x, vectors[direction - 1])
        for line in range(size):
            for at in range(size):
                total += abs(np.int32(current[y + line, x + at]) - np.int32(only[row + line, column + at]))
    return total


@kernel
def _bits(vector, predicted, table, costs):  # type: ignore[no-untyped-def]
    """Return the bits of a vector, by what it is predicted to be."""
    radius, start, bits = costs
    return index_bits(vector[0] - predicted[0], table, radius, start, bits) + index_bits(
        vector[1] - predicted[1], table + 1, radius, start, bits
    )


@kernel
def _refine(current, y, x, size, planes, vectors, reference, predicted, table, weight, costs):  # type: ignore[no-untyped-def]
    """Improve the vector of one reference, in whole pixels, halves, then quarters; return what it costs."""
    own = vectors[reference]
    least = _difference(current, y, x, size, planes, vectors, reference + 1) + weight * _bits(
        own, predicted, table, costs
    )
    for step in (4, 2, 1):
        for _ in range(ROUNDS if step == 4 else 1):
            across, down = own[0], own[1]
            best_across, best_down = across, down
            for right in range(-1, 2):
                for below in range(-1, 2):
                    if (right == 0 and below == 0) or (step == 4 and right != 0 and below != 0):
                        continue
                    own[0], own[1] = across + step * right, down + step * below
                    if max(abs(own[0]), abs(own[1])) > LONGEST:
                        continue
                    cost = _difference(current, y, x, size, planes, vectors, reference + 1)
                    cost += weight * _bits(own, predicted, table, costs)
                    if cost < least:
                        least, best_across, best_down = cost, own[0], own[1]
            own[0], own[1] = best_across, best_down
            if best_across == across and best_down == down:
                break
    return least


@kernel
def _start(current, y, x, planes, vectors, reference, candidates, predicted, table, weight, costs):  # type: ignore[no-untyped-def]
    """Set the vector of one reference to the best of some candidates, int64 (n, 2)."""
    least, chosen = 1e30, 0
    for number in range(len(candidates)):
        vectors[reference] = candidates[number]
        cost = _difference(current, y, x, MACROBLOCK, planes, vectors, reference + 1)
        cost += weight * _bits(candidates[number], predicted, table, costs)
        if cost < least:
            least, chosen = cost, number
    vectors[reference] = candidates[chosen]


@kernel
def _flatness(current, y, x):  # type: ignore[no-untyped-def]
    """Return the sum of absolute differences of a macroblock to its mean."""
    total = np.int64(0)
    for line in range(MACROBLOCK):
        for at in range(MACROBLOCK):
            total += current[y + line, x + at]
    mean, found = total >> 8, np.int64(0)
    for line in range(MACROBLOCK):
        for at in range(MACROBLOCK):
            found += abs(np.int64(current[y + line, x + at]) - mean)
    return found


@kernel
def _search(current, planes, coarse, direct, distances, weight, costs, symbols, vectors, directions):  # type: ignore[no-untyped-def]
    """Fill the symbols of all macroblocks, and the motion that they stand for."""
    modes, sent, differences = symbols
    radius, start, bits = costs
    count = len(planes)
    trial = np.zeros((2, 2), np.int64)
    one = np.zeros((2, 2), np.int64)
    predicted = np.zeros((2, 2), np.int64)
    predicted_cell = np.zeros(2, np.int64)
    candidates = np.zeros((5, 2), np.int64)
    found = np.zeros((4, 2, 2), np.int64)
    singles = np.zeros(2)
    for y in range(modes.shape[0]):
        for x in range(modes.shape[1]):
            top, left, row, column = MACROBLOCK * y, MACROBLOCK * x, 2 * y, 2 * x
            table = mode_table(modes, y, x, count)
            best_mode, least = GREY, 1e30
            for mode in range(VECTOR):
                merge(mode, vectors, directions, direct, row, column, distances)
                cost = weight * index_bits(mode - MIDDLE_MODE, table, radius, start, bits)
                if mode == DIRECT:
                    for cell in range(4):
                        at, beside = row + cell // 2, column + cell % 2
                        trial[:] = vectors[at, beside]
                        cost += _difference(current, 8 * at, 8 * beside, 8, planes, trial, directions[at, beside])
                else:
                    trial[:] = vectors[row, column]
                    cost += _difference(current, top, left, MACROBLOCK, planes, trial, directions[row, column])
                if cost < least:
                    best_mode, least = mode, cost
            # One vector for each reference, then for both.
            vector_table = difference_table(differences, y, x, 0)
            vector_bits = weight * index_bits(VECTOR - MIDDLE_MODE, table, radius, start, bits)
            chosen, single = 1, 1e30
            for reference in range(count):
                for axis in range(2):
                    predicted[reference, axis] = predicted_vector(vectors, row, column, reference, axis)
                    candidates[0, axis] = predicted[reference, axis]
                    candidates[2, axis] = direct[row, column, reference, axis]
                    candidates[3, axis] = coarse[reference, y, x, axis] * 8
                    candidates[4, axis] = vectors[row, column - 1, reference, axis] if column > 0 else 0
                _start(
                    current, top, left, planes, one, reference, candidates, predicted[reference], vector_table, weight,
                    costs,
                )  # fmt: skip
                singles[reference] = _refine(
                    current, top, left, MACROBLOCK, planes, one, reference, predicted[reference], vector_table, weight,
                    costs,
                )  # fmt: skip
                if singles[reference] < single:
                    chosen, single = reference + 1, singles[reference]
            if count == 2:
                both = _difference(current, top, left, MACROBLOCK, planes, one, BOTH)
                for reference in range(2):
                    both += weight * _bits(one[reference], predicted[reference], vector_table, costs)
                if both < single:
                    chosen, single = BOTH, both
                vector_bits += weight * index_bits(chosen - 2, direction_table(sent, x, y), radius, start, bits)
            if single + vector_bits < least:
                best_mode, least = VECTOR, single + vector_bits
            # Four cells, by the references of the one vector.
            if least > WELL_PREDICTED + vector_bits:
                split = vector_bits - weight * index_bits(VECTOR - MIDDLE_MODE, table, radius, start, bits)
                split += weight * index_bits(SPLIT - MIDDLE_MODE, table, radius, start, bits)
                for cell in range(4):
                    at, beside = row + cell // 2, column + cell % 2
                    cell_table = difference_table(differences, y, x, cell)
                    cell_bits = 0.0
                    for reference in range(count):
                        if not (chosen >> reference) & 1:
                            continue
                        for axis in range(2):
                            if cell == 0:
                                predicted_cell[axis] = predicted[reference, axis]
                            else:
                                predicted_cell[axis] = predicted_split(vectors, row, column, cell, reference, axis)
                        trial[reference] = one[reference]
                        _refine(
                            current, 8 * at, 8 * beside, 8, planes, trial, reference, predicted_cell, cell_table,
                            weight, costs,
                        )  # fmt: skip
                        cell_bits += _bits(trial[reference], predicted_cell, cell_table, costs)
                        vectors[at, beside, reference] = trial[reference]
                        found[cell, reference] = trial[reference]
                    split += _difference(current, 8 * at, 8 * beside, 8, planes, trial, chosen) + weight * cell_bits
                if split < least:
                    best_mode, least = SPLIT, split
            grey = weight * index_bits(GREY - MIDDLE_MODE, table, radius, start, bits)
            if GREYER * _flatness(current, top, left) + grey < least:
                best_mode = GREY
            # What was chosen is written down.
            modes[y, x] = best_mode
            if best_mode < VECTOR:
                merge(best_mode, vectors, directions, direct, row, column, distances)
            elif best_mode == GREY:
                fill(vectors, directions, row, column, 2, NONE, distances)
            else:
                sent[y, x] = chosen
                for cell in range(4 if best_mode == SPLIT else 1):
                    at, beside = row + cell // 2, column + cell % 2
                    for reference in range(count):
                        if not (chosen >> reference) & 1:
                            continue
                        own = found[cell, reference] if best_mode == SPLIT else one[reference]
                        for axis in range(2):
                            if cell == 0:
                                middle = predicted[reference, axis]
                            else:
                                middle = np.int64(predicted_split(vectors, row, column, cell, reference, axis))
                            differences[y, x, cell, reference, axis] = own[axis] - middle
                        vectors[at, beside, reference] = own
                    fill(vectors, directions, at, beside, 1 if best_mode == SPLIT else 2, chosen, distances)


def sad_weight(quality: float) -> float:
    """Return the sum of absolute differences of luma that a bit of motion is worth, at a quality of 0 to 100 points.

    Measured: motion is half of all bits at low qualities, and coarser motion is then better.
    """
    return 4 + 44 * 2 ** (-quality / 16)


def estimate(frame: int, pixels: Pixels, references: Sequence[Reference], weight: float) -> tuple[Symbols, Motion]:
    """Return the motion of a frame, uint8 (H, W, 3), from one or two references, as symbols and as vectors.

    weight  the sum of absolute differences that a bit is worth
    """
    current, tables = luma(pixels), motion_tables()
    distances = tuple(frame - one.number for one in references)
    half = halved(current)
    coarse = np.stack([
        full_search(half, one.half, NEAR if abs(distance) <= 2 else FAR)[0]
        for one, distance in zip(references, distances, strict=True)
    ])  # fmt: skip
    direct = direct_of(references, frame)
    symbols, planes = Symbols.empty(*pixels.shape[:2]), np.stack([one.between for one in references])
    motion = Motion.still(pixels.shape[0], pixels.shape[1], distances[0])
    costs = tables.radius, tables.start, tables.bits
    _search(
        current, planes, coarse, direct, np.array(distances), np.float64(weight), costs, tuple(symbols), motion.vectors,
        motion.directions,
    )  # fmt: skip
    return symbols, motion


def direct_of(references: Sequence[Reference], frame: int) -> Int16s:
    """Return the vectors of DIRECT: the last reference's motion goes on."""
    return direct_vectors(references[-1].motion, tuple(frame - one.number for one in references))
