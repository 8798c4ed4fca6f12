"""Probabilities of intervals of a Gaussian, in integers alone: the same on every processor.

A latent of mean m and a scale of a given index, in steps, lies in cells with edges anywhere. The probability of a cell
is the difference of the distribution function F at its edges, which a table holds at 1/256 of a standard deviation, and
which is linear in between. Cells of a fixed grid can thus be coded wherever they lie about the mean.

Means, edges and steps are in 1/1024 of the latents' unit. F is counted in 2⁻³⁰.
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import SCALES, TOTAL, scale_of
from trellic.kernels import kernel

Int64s = npt.NDArray[np.int64]

UNIT_BITS, FINE_BITS = 12, 4
"""Distances from the mean are counted in 2⁻¹² of a standard deviation; F is linear over 2⁴ of them."""
FARTHEST = 8 << UNIT_BITS
"""Beyond eight standard deviations F is 0 or 1."""
ONE = 1 << 30
SCALE_BITS = 16


@cache
def distribution() -> npt.NDArray[np.int64]:
    """Return F at each 1/256 of a standard deviation from −8 to 8, in 2⁻³⁰, int64 (4097,).

    Rising, and F(−x) = 1 − F(x) exactly. Floating point: every processor rounds to the same, as a test's hash holds.
    """
    steps = FARTHEST >> FINE_BITS
    upper = [ONE // 2 + round(math.erf(step / 256 / math.sqrt(2)) * (ONE // 2)) for step in range(steps + 1)]
    return np.array([ONE - value for value in upper[:0:-1]] + upper, np.int64)


@cache
def scales() -> npt.NDArray[np.int64]:
    """Return the scale of each scale index in steps, in 2⁻¹⁶, int64 (64,)."""
    return np.array([round(scale_of(index) * (1 << SCALE_BITS)) for index in range(SCALES)], np.int64)


@kernel
def cumulative_at(edge, mean, scale, step, table):  # type: ignore[no-untyped-def]
    """Return F at an edge, in 2⁻³⁰, for a scale in 2⁻¹⁶ steps; for kernels."""
    spread = scale * step
    farthest = 8 * (spread >> SCALE_BITS) + 8
    distance = min(max(edge - mean, -farthest), farthest)
    units = (distance << (SCALE_BITS + UNIT_BITS)) // spread
    units = min(max(units, -FARTHEST), FARTHEST) + FARTHEST
    at, rest = units >> FINE_BITS, units & ((1 << FINE_BITS) - 1)
    if rest == 0:
        return table[at]
    return table[at] + (((table[at + 1] - table[at]) * rest) >> FINE_BITS)


def shared(masses: Int64s) -> Int64s:
    """Return positive frequencies, sum 2¹⁶, of cells with these masses, int64 (n,), of 2³⁰ together at most.

    What rounding leaves goes to the likeliest, the first of equal ones. Where no cell has any mass, all are alike.
    """
    total, room = int(masses.sum()), TOTAL - len(masses)
    found = 1 + (masses * room // total if total else np.full_like(masses, room // len(masses)))
    found[np.argmax(masses)] += TOTAL - found.sum()
    return found


def frequencies(edges: Int64s, mean: int, scale_index: int, step: int) -> Int64s:
    """Return frequencies of the cells between consecutive edges, given that the latent lies in one of them.

    edges  int64 (n + 1,), rising, in 1/1024, at most 2³⁰ in magnitude, as the mean is
    step   in 1/1024, at most 2²⁰
    Returns int64 (n,), positive, sum 2¹⁶.
    """
    return shared(np.diff(cumulative(edges, mean, scale_index, step)))


def cumulative(edges: Int64s, mean: int, scale_index: int, step: int) -> Int64s:
    """Return F at edges, in 2⁻³⁰, int64 (n,); arguments as those of `frequencies`."""
    scale, table = scales()[scale_index], distribution()
    return np.array([cumulative_at(edge, mean, scale, step, table) for edge in edges], np.int64)
