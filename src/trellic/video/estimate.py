"""Motion estimation: the encoder's search for the symbols of a frame's motion, by differences of luma and bits.

A block is looked for at half size, then around what its neighbours say, to a quarter of a pixel. What counts is what
its differences cost, and the bits of the very tables that will code the symbols.

No macroblock is made grey: that has not paid on any clip that was tried.
"""

from collections.abc import Sequence

import numpy as np

from trellic.entropy.bits import index_bits
from trellic.kernels import copy, kernel
from trellic.picture.types import Pixels
from trellic.video.difference import difference, prices_at
from trellic.video.field import MIDDLE_MODE, difference_table, direction_table, mode_table
from trellic.video.motion import (
    BOTH,
    DIRECT,
    LONGEST,
    MACROBLOCK,
    MEDIAN,
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
from trellic.video.planes import full_search, halved, luma
from trellic.video.reference import Reference
from trellic.video.tables import motion_tables

NEAR, FAR = 16, 32
"""How far blocks are looked for at half size, each way: between neighbours, and between frames farther apart."""
ROUNDS = 8
"""Steps of whole pixels that a vector goes at most, beyond where it starts."""
WELL_PREDICTED = 100
"""Of a macroblock that is not split, however: a root mean square difference of 0.8 levels."""


@kernel
def _bits(vector, predicted, table, costs):  # type: ignore[no-untyped-def]
    """Return the bits of a vector, by what it is predicted to be."""
    radius, start, bits = costs
    return index_bits(vector[0] - predicted[0], table, radius, start, bits) + index_bits(
        vector[1] - predicted[1], table + 1, radius, start, bits
    )


@kernel
def _refine(current, y, x, size, planes, vectors, reference, direction, predicted, table, weight, costs, prices):  # type: ignore[no-untyped-def]
    """Improve the vector of one reference, in whole pixels, halves, then quarters; return what it costs.

    direction  what is predicted from: this reference alone, or both, the other one's vector being as it is
    """
    own = vectors[reference]
    least = weight * _bits(own, predicted, table, costs)
    least += difference(current, y, x, size, planes, vectors, direction, prices, np.inf)
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
                    cost = weight * _bits(own, predicted, table, costs)
                    cost += difference(current, y, x, size, planes, vectors, direction, prices, least - cost)
                    if cost < least:
                        least, best_across, best_down = cost, own[0], own[1]
            own[0], own[1] = best_across, best_down
            if best_across == across and best_down == down:
                break
    return least


@kernel
def _start(current, y, x, planes, vectors, reference, candidates, predicted, table, weight, costs, prices):  # type: ignore[no-untyped-def]
    """Set the vector of one reference to the best of some candidates, int64 (n, 2)."""
    least, chosen = np.inf, 0
    for number in range(len(candidates)):
        again = False
        for other in range(number):
            again |= candidates[other, 0] == candidates[number, 0] and candidates[other, 1] == candidates[number, 1]
        if again:
            continue
        copy(candidates[number], vectors[reference])
        cost = weight * _bits(candidates[number], predicted, table, costs)
        cost += difference(current, y, x, MACROBLOCK, planes, vectors, reference + 1, prices, least - cost)
        if cost < least:
            least, chosen = cost, number
    copy(candidates[chosen], vectors[reference])


@kernel
def _search(current, planes, coarse, direct, distances, weight, costs, prices, symbols, vectors, directions):  # type: ignore[no-untyped-def]
    """Fill the symbols of all macroblocks, and the motion that they stand for."""
    modes, sent, differences = symbols
    radius, start, bits = costs
    count = len(planes)
    trial = np.zeros((2, 2), np.int64)
    one = np.zeros((2, 2), np.int64)
    both = np.zeros((2, 2), np.int64)
    predicted = np.zeros((2, 2), np.int64)
    predicted_cell = np.zeros(2, np.int64)
    candidates = np.zeros((5, 2), np.int64)
    found = np.zeros((4, 2, 2), np.int64)
    for y in range(modes.shape[0]):
        for x in range(modes.shape[1]):
            top, left, row, column = MACROBLOCK * y, MACROBLOCK * x, 2 * y, 2 * x
            table = mode_table(modes, y, x, count)
            best_mode, least = MEDIAN, np.inf
            for mode in range(VECTOR):
                merge(mode, vectors, directions, direct, row, column, distances)
                cost = weight * index_bits(mode - MIDDLE_MODE, table, radius, start, bits)
                if mode == DIRECT:
                    for cell in range(4):
                        at, beside = row + cell // 2, column + cell % 2
                        copy(vectors[at, beside], trial)
                        direction = np.int64(directions[at, beside])
                        cost += difference(current, 8 * at, 8 * beside, 8, planes, trial, direction, prices, np.inf)
                else:
                    copy(vectors[row, column], trial)
                    direction = np.int64(directions[row, column])
                    cost += difference(current, top, left, MACROBLOCK, planes, trial, direction, prices, least - cost)
                if cost < least:
                    best_mode, least = mode, cost
            # One vector for each reference, then for both.
            vector_table = difference_table(differences, y, x, 0)
            vector_bits = weight * index_bits(VECTOR - MIDDLE_MODE, table, radius, start, bits)
            sent_table = direction_table(sent, x, y)
            chosen, single = 1, np.inf
            for reference in range(count):
                for axis in range(2):
                    predicted[reference, axis] = predicted_vector(vectors, row, column, reference, axis)
                    candidates[0, axis] = predicted[reference, axis]
                    candidates[2, axis] = direct[row, column, reference, axis]
                    candidates[3, axis] = coarse[reference, y, x, axis] * 8
                    candidates[4, axis] = vectors[row, column - 1, reference, axis] if column > 0 else 0
                _start(
                    current, top, left, planes, one, reference, candidates, predicted[reference], vector_table, weight,
                    costs, prices,
                )  # fmt: skip
                cost = _refine(
                    current, top, left, MACROBLOCK, planes, one, reference, reference + 1, predicted[reference],
                    vector_table, weight, costs, prices,
                )  # fmt: skip
                if count == 2:
                    cost += weight * index_bits(reference - 1, sent_table, radius, start, bits)
                if cost < single:
                    chosen, single = reference + 1, cost
            if count == 2:
                copy(one, both)
                cost = 0.0
                for reference in (1, 0):  # each one, beside the other
                    cost = _refine(
                        current, top, left, MACROBLOCK, planes, both, reference, BOTH, predicted[reference],
                        vector_table, weight, costs, prices,
                    ) + weight * _bits(both[1 - reference], predicted[1 - reference], vector_table, costs)  # fmt: skip
                cost += weight * index_bits(BOTH - 2, sent_table, radius, start, bits)
                if cost < single:
                    chosen, single = BOTH, cost
                    copy(both, one)
            if single + vector_bits < least:
                best_mode, least = VECTOR, single + vector_bits
            # Four cells, by the references of the one vector.
            if least > WELL_PREDICTED + vector_bits:
                split = weight * index_bits(SPLIT - MIDDLE_MODE, table, radius, start, bits)
                if count == 2:
                    split += weight * index_bits(chosen - 2, sent_table, radius, start, bits)
                for cell in range(4):
                    at, beside = row + cell // 2, column + cell % 2
                    cell_table = difference_table(differences, y, x, cell)
                    cell_bits = 0.0
                    copy(one, trial)
                    for reference in range(count):
                        if not (chosen >> reference) & 1:
                            continue
                        for axis in range(2):
                            if cell == 0:
                                predicted_cell[axis] = predicted[reference, axis]
                            else:
                                predicted_cell[axis] = predicted_split(vectors, row, column, cell, reference, axis)
                        _refine(
                            current, 8 * at, 8 * beside, 8, planes, trial, reference, chosen, predicted_cell,
                            cell_table, weight, costs, prices,
                        )  # fmt: skip
                        cell_bits += _bits(trial[reference], predicted_cell, cell_table, costs)
                        copy(trial[reference], vectors[at, beside, reference])
                        copy(trial[reference], found[cell, reference])
                    split += weight * cell_bits
                    split += difference(current, 8 * at, 8 * beside, 8, planes, trial, chosen, prices, least - split)
                    if split >= least:
                        break
                if split < least:
                    best_mode, least = SPLIT, split
            # What was chosen is written down.
            modes[y, x] = best_mode
            if best_mode < VECTOR:
                merge(best_mode, vectors, directions, direct, row, column, distances)
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
                        copy(own, vectors[at, beside, reference])
                    fill(vectors, directions, at, beside, 1 if best_mode == SPLIT else 2, chosen, distances)


def bit_weight(quality: float) -> float:
    """Return what a bit of motion costs beside differences, at a quality of 0 to 100.

    Measured: motion is half of all bits at low qualities, and coarser motion is then better.
    """
    return 2 + 12 * 2 ** (-quality / 16)


def estimate(frame: int, pixels: Pixels, references: Sequence[Reference], quality: float) -> tuple[Symbols, Motion]:
    """Return the motion of a frame, uint8 (H, W, 3), from one or two references, as symbols and as vectors.

    quality  0 to 100, at which the residual will be coded
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
    costs, weight = (tables.radius, tables.start, tables.bits), np.float64(bit_weight(quality))
    _search(
        current, planes, coarse, direct, np.array(distances), weight, costs, prices_at(quality), tuple(symbols),
        motion.vectors, motion.directions,
    )  # fmt: skip
    return symbols, motion


def direct_of(references: Sequence[Reference], frame: int) -> Int16s:
    """Return the vectors of DIRECT: the last reference's motion goes on."""
    return direct_vectors(references[-1].motion, tuple(frame - one.number for one in references))
