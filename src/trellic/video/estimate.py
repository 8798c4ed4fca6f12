"""Motion estimation: the encoder's search for the symbols of a frame's motion, by differences of luma and bits.

A block is looked for at half size, then around what its neighbours say, to a quarter of a pixel. What counts is what
its differences cost, and the bits of the very tables that will code the symbols.

No macroblock is made grey: that has not paid on any clip that was tried.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.bits import index_bits
from trellic.kernels import copy, kernel
from trellic.picture.types import Pixels
from trellic.video.difference import difference, prices_at
from trellic.video.field import MIDDLE_MODE, difference_table, direction_table, mode_table
from trellic.video.motion import (
    BOTH,
    CELL,
    DIRECT,
    LONGEST,
    MACROBLOCK,
    MEDIAN,
    SPLIT,
    VECTOR,
    Int16s,
    Motion,
    Symbols,
    Uint8s,
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


class Frame(NamedTuple):
    """A frame whose motion is looked for; for kernels.

    current    luma, uint8 (H, W), continued to whole macroblocks
    planes     of its references, between their samples too, uint8 (references, 4, 4, rows, columns)
    coarse     vectors found at half size, in samples there, int16 (references, rows, columns, 2)
    direct     vectors of DIRECT, as those of Motion
    distances  frames from each reference to this one, int64
    weight     what a bit costs beside differences
    costs      radius, starts and bits of the tables that code symbols
    prices     what differences cost, by magnitude
    """

    current: Uint8s
    planes: Uint8s
    coarse: Int16s
    direct: Int16s
    distances: npt.NDArray[np.int64]
    weight: np.float64
    costs: tuple[Any, ...]
    prices: npt.NDArray[np.float32]


@kernel
def _symbol_cost(frame, symbol, table):  # type: ignore[no-untyped-def]
    radius, start, bits = frame.costs
    return frame.weight * index_bits(symbol, table, radius, start, bits)


@kernel
def _vector_cost(frame, vector, predicted, table):  # type: ignore[no-untyped-def]
    """Return what the bits of a vector cost, by what it is predicted to be."""
    radius, start, bits = frame.costs
    return frame.weight * (
        index_bits(vector[0] - predicted[0], table, radius, start, bits)
        + index_bits(vector[1] - predicted[1], table + 1, radius, start, bits)
    )


@kernel
def _difference(frame, y, x, size, vectors, direction, most):  # type: ignore[no-untyped-def]
    return difference(frame.current, y, x, size, frame.planes, vectors, direction, frame.prices, most)


@kernel
def _refine(frame, y, x, size, vectors, reference, direction, predicted, table):  # type: ignore[no-untyped-def]
    """Improve the vector of one reference, in whole pixels, halves, then quarters; return what it costs.

    direction  what is predicted from: this reference alone, or both, the other one's vector being as it is
    """
    own = vectors[reference]
    least = _vector_cost(frame, own, predicted, table)
    least += _difference(frame, y, x, size, vectors, direction, np.inf)
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
                    cost = _vector_cost(frame, own, predicted, table)
                    cost += _difference(frame, y, x, size, vectors, direction, least - cost)
                    if cost < least:
                        least, best_across, best_down = cost, own[0], own[1]
            own[0], own[1] = best_across, best_down
            if best_across == across and best_down == down:
                break
    return least


@kernel
def _start(frame, y, x, vectors, reference, candidates, predicted, table):  # type: ignore[no-untyped-def]
    """Set a macroblock's vector of one reference to the best of some candidates, int64 (n, 2)."""
    least, chosen = np.inf, 0
    for number in range(len(candidates)):
        again = False
        for other in range(number):
            again |= candidates[other, 0] == candidates[number, 0] and candidates[other, 1] == candidates[number, 1]
        if again:
            continue
        copy(candidates[number], vectors[reference])
        cost = _vector_cost(frame, candidates[number], predicted, table)
        cost += _difference(frame, y, x, MACROBLOCK, vectors, reference + 1, least - cost)
        if cost < least:
            least, chosen = cost, number
    copy(candidates[chosen], vectors[reference])


@kernel
def _best_merge(frame, motion, y, x, table):  # type: ignore[no-untyped-def]
    """Return the best of the modes that take another's motion, and what it costs."""
    row, column = 2 * y, 2 * x
    trial = np.zeros((2, 2), np.int64)
    best_mode, least = MEDIAN, np.inf
    for mode in range(VECTOR):
        merge(mode, motion.vectors, motion.directions, frame.direct, row, column, frame.distances)
        cost = _symbol_cost(frame, mode - MIDDLE_MODE, table)
        if mode == DIRECT:
            for cell in range(4):
                at, beside = row + cell // 2, column + cell % 2
                copy(motion.vectors[at, beside], trial)
                direction = np.int64(motion.directions[at, beside])
                cost += _difference(frame, CELL * at, CELL * beside, CELL, trial, direction, np.inf)
        else:
            copy(motion.vectors[row, column], trial)
            direction = np.int64(motion.directions[row, column])
            cost += _difference(frame, MACROBLOCK * y, MACROBLOCK * x, MACROBLOCK, trial, direction, least - cost)
        if cost < least:
            best_mode, least = mode, cost
    return best_mode, least


@kernel
def _best_vectors(frame, vectors, y, x, sent_table, table, predicted, best):  # type: ignore[no-untyped-def]
    """Find a vector for each reference, then for both; return the best direction, and what it costs.

    predicted  int64 (2, 2): is given what vectors are predicted to be
    best       int64 (2, 2): is given the vectors of the direction
    """
    top, left, row, column, count = MACROBLOCK * y, MACROBLOCK * x, 2 * y, 2 * x, len(frame.planes)
    candidates = np.zeros((5, 2), np.int64)
    chosen, least = 1, np.inf
    for reference in range(count):
        for axis in range(2):
            predicted[reference, axis] = predicted_vector(vectors, row, column, reference, axis)
            candidates[0, axis] = predicted[reference, axis]
            candidates[2, axis] = frame.direct[row, column, reference, axis]
            candidates[3, axis] = frame.coarse[reference, y, x, axis] * 8
            candidates[4, axis] = vectors[row, column - 1, reference, axis] if column > 0 else 0
        own = predicted[reference]
        _start(frame, top, left, best, reference, candidates, own, table)
        cost = _refine(frame, top, left, MACROBLOCK, best, reference, reference + 1, own, table)
        if count == 2:
            cost += _symbol_cost(frame, reference - 1, sent_table)
        if cost < least:
            chosen, least = reference + 1, cost
    if count == 2:
        both = best.copy()
        cost = 0.0
        for reference in (1, 0):  # each one, beside the other
            cost = _refine(frame, top, left, MACROBLOCK, both, reference, BOTH, predicted[reference], table)
            cost += _vector_cost(frame, both[1 - reference], predicted[1 - reference], table)
        cost += _symbol_cost(frame, BOTH - 2, sent_table)
        if cost < least:
            chosen, least = BOTH, cost
            copy(both, best)
    return chosen, least


@kernel
def _predicted_of(vectors, row, column, cell, reference, axis, first):  # type: ignore[no-untyped-def]
    """Return what a component of a cell's vector is predicted to be; that of the first cell is known."""
    return first if cell == 0 else np.int64(predicted_split(vectors, row, column, cell, reference, axis))


@kernel
def _best_cells(frame, vectors, y, x, differences, chosen, predicted, best, found, cost, most):  # type: ignore[no-untyped-def]
    """Find vectors for four cells, by the references of the one vector; return what they cost.

    predicted, best  of the one vector
    found            int64 (4, 2, 2): is given the vectors
    cost             of what else such a macroblock takes
    most             where it costs as much already, nothing more is looked for
    """
    row, column = 2 * y, 2 * x
    trial = np.zeros((2, 2), np.int64)
    own = np.zeros(2, np.int64)
    for cell in range(4):
        at, beside = row + cell // 2, column + cell % 2
        table = difference_table(differences, y, x, cell)
        copy(best, trial)
        for reference in range(len(frame.planes)):
            if not (chosen >> reference) & 1:
                continue
            for axis in range(2):
                first = predicted[reference, axis]
                own[axis] = _predicted_of(vectors, row, column, cell, reference, axis, first)
            _refine(frame, CELL * at, CELL * beside, CELL, trial, reference, chosen, own, table)
            cost += _vector_cost(frame, trial[reference], own, table)
            copy(trial[reference], vectors[at, beside, reference])
            copy(trial[reference], found[cell, reference])
        cost += _difference(frame, CELL * at, CELL * beside, CELL, trial, chosen, most - cost)
        if cost >= most:
            break
    return cost


@kernel
def _write(frame, motion, y, x, differences, cells, chosen, predicted, found):  # type: ignore[no-untyped-def]
    """Give a macroblock of one or four cells vectors, int64 (4, 2, 2), and write their differences down."""
    row, column = 2 * y, 2 * x
    for cell in range(cells):
        at, beside = row + cell // 2, column + cell % 2
        for reference in range(len(frame.planes)):
            if not (chosen >> reference) & 1:
                continue
            for axis in range(2):
                first = predicted[reference, axis]
                middle = _predicted_of(motion.vectors, row, column, cell, reference, axis, first)
                differences[y, x, cell, reference, axis] = found[cell, reference, axis] - middle
            copy(found[cell, reference], motion.vectors[at, beside, reference])
        fill(motion.vectors, motion.directions, at, beside, 1 if cells == 4 else 2, chosen, frame.distances)


@kernel
def _search(frame, symbols, motion):  # type: ignore[no-untyped-def]
    """Fill the symbols of all macroblocks, and the motion that they stand for."""
    count = len(frame.planes)
    predicted = np.zeros((2, 2), np.int64)
    best = np.zeros((2, 2), np.int64)
    found = np.zeros((4, 2, 2), np.int64)
    for y in range(symbols.modes.shape[0]):
        for x in range(symbols.modes.shape[1]):
            table = mode_table(symbols.modes, y, x, count)
            mode, least = _best_merge(frame, motion, y, x, table)
            sent_table = direction_table(symbols.directions, x, y)
            vector_table = difference_table(symbols.differences, y, x, 0)
            chosen, cost = _best_vectors(frame, motion.vectors, y, x, sent_table, vector_table, predicted, best)
            vector_cost = _symbol_cost(frame, VECTOR - MIDDLE_MODE, table)
            if cost + vector_cost < least:
                mode, least = VECTOR, cost + vector_cost
            if least > WELL_PREDICTED + vector_cost:
                cost = _symbol_cost(frame, SPLIT - MIDDLE_MODE, table)
                if count == 2:
                    cost += _symbol_cost(frame, chosen - 2, sent_table)
                cost = _best_cells(
                    frame, motion.vectors, y, x, symbols.differences, chosen, predicted, best, found, cost, least
                )
                if cost < least:
                    mode, least = SPLIT, cost
            symbols.modes[y, x] = mode
            if mode < VECTOR:
                merge(mode, motion.vectors, motion.directions, frame.direct, 2 * y, 2 * x, frame.distances)
                continue
            if mode == VECTOR:
                copy(best, found[0])
            symbols.directions[y, x] = chosen
            cells = 4 if mode == SPLIT else 1
            _write(frame, motion, y, x, symbols.differences, cells, chosen, predicted, found)


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
    planes, direct = np.stack([one.between for one in references]), direct_of(references, frame)
    costs, weight = (tables.radius, tables.start, tables.bits), np.float64(bit_weight(quality))
    searched = Frame(current, planes, coarse, direct, np.array(distances), weight, costs, prices_at(quality))
    symbols = Symbols.empty(*pixels.shape[:2])
    motion = Motion.still(pixels.shape[0], pixels.shape[1], distances[0])
    _search(searched, symbols, motion)
    return symbols, motion


def direct_of(references: Sequence[Reference], frame: int) -> Int16s:
    """Return the vectors of DIRECT: the last reference's motion goes on."""
    return direct_vectors(references[-1].motion, tuple(frame - one.number for one in references))
