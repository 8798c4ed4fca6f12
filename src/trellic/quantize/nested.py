"""Nested quantizers: one index of a latent, digit by digit, so that each prefix of its digits is a coarser quantizer.

An index K with n digits missing stands for a cell: all fine indices k that begin with its digits.

- *Halving*: sign-magnitude binary. K = sign(k) · ⌊|k| / 2ⁿ⌋. A zero cell splits into −1, 0 and 1, any other into two.
  With a dead zone θ, the finest zero cell is ±(1/2 + θ)Δ, and another lies θΔ farther out than rounding would have it.
- *Trits*: balanced ternary. K = round(k / 3ⁿ), with the children 3K − 1, 3K, 3K + 1: uniform at every plane.

Edges of coarse cells are edges of fine ones, so planes nest exactly, in integers. Indices count from an *anchor*, the
mean when a latent was first coded. Its later digits are coded by the probabilities of the cell's parts under what is
predicted then (`entropy/intervals.py`).
Source: Learned progressive image compression with dead-zone quantizers (TCSVT 2023), for the problem.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy import intervals
from trellic.entropy.intervals import cumulative, cumulative_at, shared
from trellic.entropy.parameters import ONE
from trellic.entropy.tables import PRECISION, SCALES, TOTAL, Tables, scale_of
from trellic.kernels import kernel

COST_BITS = 8
SLOPE_BITS = 6
"""Slopes are counted in 1/64 of a squared step for a bit."""


class Plane(NamedTuple):
    """The digits of a plane: those of indices with `missing` digits missing, given the ones before.

    dead_zone  in 1/1024 of the finest step
    step       the finest, in 1/1024 of the latents' unit
    """

    radix: int
    missing: int
    dead_zone: int
    step: int

    @property
    def power(self) -> int:
        """Fine indices in a cell."""
        power: int = self.radix**self.missing
        return power

    @property
    def centre(self) -> int:
        """How many of them lie below the cell's own multiple."""
        return (self.power - 1) // 2 if self.radix > 2 else 0

    @property
    def own_step(self) -> int:
        """The plane's step, in 1/1024."""
        return self.power * self.step

    @property
    def first_middle(self) -> int:
        """The middle of the cell of index 1, in 1/1024 of the plane's step."""
        return ((2 * (self.power - self.centre) + self.power - 1) * (ONE // 2) + self.dead_zone) // self.power

    def tables(self) -> Tables:
        """Return the tables of indices that begin in this plane, by scale index."""
        return _tables(self.power, self.centre, self.dead_zone)


@lru_cache(32)
def _tables(power: int, centre: int, dead_zone: int) -> Tables:
    return Tables.of_frequencies([_table(index, power, centre, dead_zone) for index in range(SCALES)])


def _table(scale_index: int, power: int, centre: int, dead_zone: int) -> npt.NDArray[np.uint32]:
    radius = min(1023, math.ceil(4 * scale_of(scale_index)) + 2)
    lowest = power * np.arange(1, radius + 2) - centre
    upper = ((2 * lowest - 1) * (ONE // 2) + dead_zone) // power
    cells = np.diff(cumulative(np.concatenate([-upper[::-1], upper]), 0, scale_index, ONE))
    return shared(np.append(cells, intervals.ONE - cells.sum())).astype(np.uint32)


@lru_cache(1)
def costs() -> npt.NDArray[np.int64]:
    """Return what a symbol of each frequency costs, in 1/256 of a bit, int64 (2¹⁶ + 1,); entry 0 means nothing."""
    values = [round((PRECISION - math.log2(frequency)) * (1 << COST_BITS)) for frequency in range(1, TOTAL + 1)]
    return np.array([0, *values], np.int64)


@kernel
def edge(fine, dead_zone, step):  # type: ignore[no-untyped-def]
    """Return how far the outer edge of a fine index of that magnitude is from the anchor, in 1/1024; for kernels."""
    return (((2 * fine + 1) * (ONE // 2) + dead_zone) * step) >> 10


@kernel
def middle(index, anchor, power, centre, dead_zone, step):  # type: ignore[no-untyped-def]
    """Return the middle of a cell, in 2⁻²⁰ of the latents' unit: of index 0, the anchor; for kernels."""
    value = anchor * ONE
    if index > 0:
        value += ((2 * (power * index - centre) + power - 1) * (ONE // 2) + dead_zone) * step
    elif index < 0:
        value -= ((2 * (-power * index - centre) + power - 1) * (ONE // 2) + dead_zone) * step
    return value


@kernel
def first_child(index, radix):  # type: ignore[no-untyped-def]
    """Return the lowest child of an index; for kernels."""
    if radix == 2 and index > 0:
        return 2 * index
    return radix * index - 1


@kernel
def parts(index, anchor, mean, scale, radix, power, centre, dead_zone, step, table):  # type: ignore[no-untyped-def]
    """Return where the frequencies of the first child, and of the first two, end, of 2¹⁶ altogether; for kernels.

    power, centre  of the children's plane
    The second is 2¹⁶ where there are two children.
    """
    own = power * step
    if index == 0:
        inner, outer = power - 1 - centre, radix * power - 1 - (radix * power - 1) // 2 * (radix - 2)
        near, far = edge(inner, dead_zone, step), edge(outer, dead_zone, step)
        at0, at1, at2, at3 = -far, -near, near, far
    else:
        size = abs(index)
        lowest = power * (radix * size - (radix - 2)) - centre
        at0, at1 = edge(lowest - 1, dead_zone, step), edge(lowest + power - 1, dead_zone, step)
        at2 = edge(lowest + 2 * power - 1, dead_zone, step)
        at3 = edge(lowest + radix * power - 1, dead_zone, step)
        if index < 0:
            if radix == 2:
                at0, at1, at2 = -at2, -at1, -at0
            else:
                at0, at1, at2, at3 = -at3, -at2, -at1, -at0
    below = cumulative_at(anchor + at0, mean, scale, own, table)
    first = cumulative_at(anchor + at1, mean, scale, own, table)
    second = cumulative_at(anchor + at2, mean, scale, own, table)
    a, b = first - below, second - first
    if radix == 2 and index != 0:
        if a + b == 0:
            return TOTAL // 2, TOTAL
        fa, fb = 1 + a * (TOTAL - 2) // (a + b), 1 + b * (TOTAL - 2) // (a + b)
        return (TOTAL - fb if a >= b else fa), TOTAL
    c = cumulative_at(anchor + at3, mean, scale, own, table) - second
    total = a + b + c
    if total == 0:
        return TOTAL // 3 + 1, 2 * (TOTAL // 3) + 1
    fa, fb, fc = 1 + a * (TOTAL - 3) // total, 1 + b * (TOTAL - 3) // total, 1 + c * (TOTAL - 3) // total
    if a >= b and a >= c:
        fa = TOTAL - fb - fc
    elif b >= c:
        fb = TOTAL - fa - fc
    return fa, fa + fb


@kernel
def is_worth(first, second, first_middle, least, costs):  # type: ignore[no-untyped-def]
    """Return whether the expected slope of a digit is not below `least`; for kernels.

    The squared error falls by 1/4 of the squared step where a cell is halved, as the middle moves by half a step one
    way or the other; where it is cut into three, by that of a side's middle, as often as one of the sides is hit.
    """
    if second == TOTAL:
        bits = first * costs[first] + (TOTAL - first) * costs[TOTAL - first]
        return least * bits <= (1 << (PRECISION + COST_BITS - 2 + SLOPE_BITS))
    inner, last = second - first, TOTAL - second
    bits = first * costs[first] + inner * costs[inner] + last * costs[last]
    return (TOTAL - inner) * (first_middle * first_middle >> 10) << (COST_BITS + SLOPE_BITS - 10) >= least * bits
