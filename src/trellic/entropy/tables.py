"""Integer probability tables: one row a scale, read alike by the coder, the rate estimate and every search.

A scalar quantizer has 64 rows. A trellis-coded one has 128: the rows of its first set of levels (kind 0: all multiples
of the step), then those of its second (kind 1: zero, and all odd multiples of half the step).

A row holds the indices -radius … radius and, last, an escape that announces a larger index. Frequencies are
positive integers that sum to 2¹⁶. Rows are laid end to end, so that a kernel needs only flat arrays.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

PRECISION = 16
TOTAL = 1 << PRECISION
ROWS = 64
SMALLEST_SCALE = 0.11
LARGEST_SCALE = 256.0
LOG_STEP = math.log(LARGEST_SCALE / SMALLEST_SCALE) / (ROWS - 1)
SKIPPED_ROWS = 3
"""Rows whose scale says "surely zero" (P(0) > 0.998): such latents are their means, and never coded."""
BUCKET_BITS = 6
ESCAPE_LIMIT = 1 << 20
"""Largest magnitude that can be coded, far above what an 8-bit picture can cause."""

Uint32s = npt.NDArray[np.uint32]
Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Tables:
    """Rows of frequencies.

    radius      int32 (rows,): the largest index a row codes without escape
    start       int32 (rows + 1,): where each row begins in the flat arrays; a row has 2·radius + 2 symbols
    frequency   uint32 (symbols,): sums to 2¹⁶ in each row
    """

    radius: Int32s
    start: Int32s
    frequency: Uint32s

    @classmethod
    def of_frequencies(cls, rows: list[Uint32s]) -> "Tables":
        """Lay rows of frequencies end to end. Raises ValueError for a row that is no distribution."""
        for number, row in enumerate(rows):
            if len(row) < 4 or len(row) % 2 or int(row.sum()) != TOTAL or int(row.min()) < 1:
                raise ValueError(f"row {number} is no table: {len(row)} frequencies, sum {int(row.sum())}")
        radius = np.array([len(row) // 2 - 1 for row in rows], dtype=np.int32)
        start = np.concatenate([[0], np.cumsum(2 * radius + 2)]).astype(np.int32)
        return cls(radius, start, np.concatenate(rows).astype(np.uint32))

    @classmethod
    def of_flat(cls, frequency: npt.NDArray[np.uint32]) -> "Tables":
        """Cut rows from frequencies laid end to end. Raises ValueError where they are no tables of one or two kinds."""
        if frequency.ndim != 1 or frequency.dtype != np.uint32:
            raise ValueError(f"tables are {frequency.dtype} {frequency.shape}")
        ends = np.cumsum(frequency, dtype=np.uint64)
        rows = int(ends[-1]) // TOTAL if len(ends) else 0
        if rows not in {ROWS, 2 * ROWS}:
            raise ValueError(f"{rows} rows instead of {ROWS} or {2 * ROWS}")
        cuts = np.searchsorted(ends, np.arange(1, rows) * TOTAL) + 1
        return cls.of_frequencies(np.split(frequency, cuts))

    @property
    def kinds(self) -> int:
        """How many tables there are for each scale: 1, or 2 for a trellis."""
        return len(self.radius) // ROWS

    @cached_property
    def cumulative(self) -> Uint32s:
        """Frequencies of all earlier symbols of the row, then 2¹⁶, row by row, uint32 (symbols + rows,).

        Row n begins at start[n] + n, so that symbol s of it covers the slots from one entry to the next.
        """
        rows = np.split(self.frequency, self.start[1:-1])
        return np.concatenate([np.concatenate([[0], np.cumsum(row)]) for row in rows]).astype(np.uint32)

    @cached_property
    def first(self) -> Int32s:
        """Where each row begins in `cumulative`, int32 (rows,)."""
        return (self.start[:-1] + np.arange(len(self.radius))).astype(np.int32)

    @cached_property
    def buckets(self) -> npt.NDArray[np.uint16]:
        """First symbol of each slot's bucket, uint16 (rows, 2¹⁶ >> BUCKET_BITS): where decoding starts to look."""
        slots = np.arange(0, TOTAL, 1 << BUCKET_BITS)
        rows = np.split(self.cumulative, self.first[1:])
        return np.array([np.searchsorted(row, slots, side="right") - 1 for row in rows], dtype=np.uint16)

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


def row_scale(row: int) -> float:
    """Return the standard deviation that a row stands for, in quantizer steps."""
    return SMALLEST_SCALE * math.exp(row * LOG_STEP)


def gaussian_tables(kinds: int = 1) -> Tables:
    """Return the tables of zero-mean Gaussians of the 64 scales, integrated over the intervals nearest to each level.

    Levels are …, -1, 0, 1, … for kind 0 and …, -1.5, -0.5, 0, 0.5, 1.5, … for kind 1, in steps.
    Floating point: made once, when a model is exported, and kept in it.
    """
    rows = []
    for kind in range(kinds):
        for row in range(ROWS):
            scale = row_scale(row)
            radius = min(1023, math.ceil(4 * scale) + 2)
            edges = np.arange(radius + 1) + 0.5 * (1 - kind)
            edges[0] = 0.5 if kind == 0 else 0.25
            tail = np.array([math.erfc(edge / (scale * math.sqrt(2))) / 2 for edge in edges])
            side = tail[:-1] - tail[1:]
            rows.append(quantize_distribution(1.0 - 2 * tail[0], side, 2 * tail[-1]))
    return Tables.of_frequencies(rows)
