"""Probabilities of intervals of a Gaussian, in integers alone: the same on every processor.

A latent of mean m and a scale of a given index, in steps, lies in cells with edges anywhere. The probability of a cell
is the difference of the distribution function F at its edges, which a table holds at 1/256 of a standard deviation, and
which is linear in between. Cells of a fixed grid can thus be coded whatever their place about the mean, and cells that
split others by what the split leaves (`frequencies`).

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
LARGEST_STEP = 1 << 20
MOST_CHILDREN = 64


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


@kernel
def _frequencies(edges, mean, scale, step, table, found):  # type: ignore[no-untyped-def]
    """Fill `found` with the 16-bit frequencies of the cells between consecutive edges."""
    count = len(edges) - 1
    total = np.int64(0)
    before = cumulative_at(edges[0], mean, scale, step, table)
    for n in range(count):
        after = cumulative_at(edges[n + 1], mean, scale, step, table)
        found[n] = after - before
        total += found[n]
        before = after
    largest = 0
    for n in range(1, count):
        if found[n] > found[largest]:
            largest = n
    rest = np.int64(TOTAL)
    for n in range(count):
        shared = found[n] * (TOTAL - count) // total if total > 0 else (TOTAL - count) // count
        found[n] = 1 + shared
        rest -= found[n]
    found[largest] += rest


def frequencies(edges: Int64s, mean: int, scale_index: int, step: int) -> npt.NDArray[np.int64]:
    """Return frequencies of the cells between consecutive edges, given that the latent lies in one of them.

    edges  int64 (n + 1,), rising, in 1/1024, at most 2³⁰ in magnitude, as the mean is; n of 1 to 64 cells
    step   in 1/1024, at most 2²⁰
    Returns int64 (n,), positive, sum 2¹⁶: what rounding leaves goes to the likeliest, the first of equal ones. Where no
    cell has any probability, all are alike.
    """
    found = np.empty(len(edges) - 1, np.int64)
    _frequencies(edges, mean, scales()[scale_index], step, distribution(), found)
    return found


def cumulative(edges: Int64s, mean: int, scale_index: int, step: int) -> Int64s:
    """Return F at edges, in 2⁻³⁰, int64 (n,); arguments as those of `frequencies`."""
    scale, table = scales()[scale_index], distribution()
    return np.array([cumulative_at(edge, mean, scale, step, table) for edge in edges], np.int64)
