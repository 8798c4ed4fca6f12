"""Integer probability tables, one for each cdf index, read alike by the coder, the rate estimate and every search.

A scalar quantizer has 64 tables, one for each scale index. A trellis-coded quantizer has 128: those of set Q0 (all
multiples of the step), then those of Q1 (zero, and all odd multiples of half the step). The cdf index of a table is
scale index + 64 · set.

A table holds the frequencies of the indices -radius … radius and, last, of an escape that announces a larger index.
Frequencies are positive integers that sum to 2¹⁶. Tables are laid end to end, so that a kernel needs only flat arrays.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

PRECISION = 16
TOTAL = 1 << PRECISION
SCALES = 64
SMALLEST_SCALE = 0.11
LARGEST_SCALE = 256.0
LOG_STEP = math.log(LARGEST_SCALE / SMALLEST_SCALE) / (SCALES - 1)
SKIPPED_SCALES = 3
"""Scales so small that an index is surely zero (P(0) > 0.998): such latents are their means, and never coded."""
BUCKET_BITS = 6
ESCAPE_LIMIT = 1 << 20
"""Largest magnitude that can be coded, far above what an 8-bit picture can cause."""

Uint32s = npt.NDArray[np.uint32]
Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Tables:
    """Frequencies by cdf index.

    radius      int32 (tables,): the largest index coded without escape
    start       int32 (tables + 1,): where each table begins in the flat arrays; it has 2·radius + 2 symbols
    frequency   uint32 (symbols,): sums to 2¹⁶ in each table
    """

    radius: Int32s
    start: Int32s
    frequency: Uint32s

    @classmethod
    def of_frequencies(cls, tables: list[Uint32s]) -> "Tables":
        """Lay tables end to end. Raises ValueError for one that is no distribution."""
        for number, table in enumerate(tables):
            if len(table) < 4 or len(table) % 2 or int(table.sum()) != TOTAL or int(table.min()) < 1:
                raise ValueError(f"cdf index {number} is no table: {len(table)} frequencies, sum {int(table.sum())}")
        radius = np.array([len(table) // 2 - 1 for table in tables], dtype=np.int32)
        start = np.concatenate([[0], np.cumsum(2 * radius + 2)]).astype(np.int32)
        return cls(radius, start, np.concatenate(tables).astype(np.uint32))

    @classmethod
    def of_flat(cls, frequency: npt.NDArray[np.uint32]) -> "Tables":
        """Cut frequencies into tables. Raises ValueError where they are no tables of one or two sets."""
        if frequency.ndim != 1 or frequency.dtype != np.uint32:
            raise ValueError(f"tables are {frequency.dtype} {frequency.shape}")
        ends = np.cumsum(frequency, dtype=np.uint64)
        count = int(ends[-1]) // TOTAL if len(ends) else 0
        if count not in {SCALES, 2 * SCALES}:
            raise ValueError(f"{count} tables instead of {SCALES} or {2 * SCALES}")
        cuts = np.searchsorted(ends, np.arange(1, count) * TOTAL) + 1
        return cls.of_frequencies(np.split(frequency, cuts))

    @property
    def sets(self) -> int:
        """How many tables there are for each scale: 1, or 2 for a trellis."""
        return len(self.radius) // SCALES

    @cached_property
    def cumulative(self) -> Uint32s:
        """Frequencies of all earlier symbols of a table, then 2¹⁶, table by table, uint32 (symbols + tables,).

        Table n begins at start[n] + n, so that symbol s of it covers the slots from one entry to the next.
        """
        tables = np.split(self.frequency, self.start[1:-1])
        return np.concatenate([np.concatenate([[0], np.cumsum(table)]) for table in tables]).astype(np.uint32)

    @cached_property
    def first(self) -> Int32s:
        """Where each table begins in `cumulative`, int32 (tables,)."""
        return (self.start[:-1] + np.arange(len(self.radius))).astype(np.int32)

    @cached_property
    def buckets(self) -> npt.NDArray[np.uint16]:
        """First symbol of each slot's bucket, uint16 (tables, 2¹⁶ >> BUCKET_BITS): where decoding starts to look."""
        slots = np.arange(0, TOTAL, 1 << BUCKET_BITS)
        tables = np.split(self.cumulative, self.first[1:])
        return np.array([np.searchsorted(table, slots, side="right") - 1 for table in tables], dtype=np.uint16)

    @cached_property
    def expected(self) -> npt.NDArray[np.uint16]:
        """Expected magnitude of an index, 15 where it is larger or an escape, in 1/256, uint16 (tables,)."""
        tables = np.split(self.frequency, self.start[1:-1])
        counted = [np.minimum([*np.abs(np.arange(-radius, radius + 1)), 15], 15) for radius in self.radius.tolist()]
        sums = [int(table @ each) for table, each in zip(tables, counted, strict=True)]
        return ((np.array(sums) + 128) >> 8).astype(np.uint16)

    @cached_property
    def bits(self) -> npt.NDArray[np.float32]:
        """Cost of each symbol in bits, float32 (symbols,); an escape's extra bits come on top."""
        return (PRECISION - np.log2(self.frequency)).astype(np.float32)


def quantize_distribution(centre: float, side: npt.NDArray[np.float64], escape: float) -> Uint32s:
    """Return symmetric positive frequencies that sum to 2¹⁶.

    centre, side, escape  probabilities of index 0, of 1 … radius (either sign), and of the escape

    Rounded down, then what is left goes to the sides that lost most, in pairs, and any rest to the centre.
    """
    total = centre + 2 * float(side.sum()) + escape
    room = TOTAL - (2 * len(side) + 2)
    exact = side / total * room
    sides = np.floor(exact).astype(np.int64) + 1
    last = int(escape / total * room) + 1
    left = TOTAL - 2 * int(sides.sum()) - last - int(centre / total * room) - 1
    sides[np.argsort(sides - 1 - exact, kind="stable")[: left // 2]] += 1
    middle = TOTAL - 2 * int(sides.sum()) - last
    return np.concatenate([sides[::-1], [middle], sides, [last]]).astype(np.uint32)


def scale_of(scale_index: int) -> float:
    """Return the standard deviation that a scale index stands for, in quantizer steps."""
    return SMALLEST_SCALE * math.exp(scale_index * LOG_STEP)


def gaussian_tables(sets: int = 1) -> Tables:
    """Return the tables of zero-mean Gaussians of the 64 scales, integrated over the intervals nearest to each level.

    Levels are …, -1, 0, 1, … for Q0 and …, -1.5, -0.5, 0, 0.5, 1.5, … for Q1, in steps.
    Floating point: made once, when a model is exported, and kept in it.
    """
    tables = []
    for level_set in range(sets):
        for scale_index in range(SCALES):
            scale = scale_of(scale_index)
            radius = min(1023, math.ceil(4 * scale) + 2)
            edges = np.arange(radius + 1) + 0.5 * (1 - level_set)
            edges[0] = 0.5 if level_set == 0 else 0.25
            tail = np.array([math.erfc(edge / (scale * math.sqrt(2))) / 2 for edge in edges])
            side = tail[:-1] - tail[1:]
            tables.append(quantize_distribution(1.0 - 2 * tail[0], side, 2 * tail[-1]))
    return Tables.of_frequencies(tables)
