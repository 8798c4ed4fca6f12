"""Integer probability tables: one row a scale, read alike by the coder, the rate estimate and every search.

A row holds the indices -radius … radius and, last, an escape that announces a larger index. Frequencies are
positive integers that sum to 2¹⁶. Rows are laid end to end, so that a kernel needs only flat arrays.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

PRECISION = 16
TOTAL = 1 << PRECISION
ROWS = 64
SMALLEST_SCALE = 0.11
LARGEST_SCALE = 256.0
LOG_STEP = math.log(LARGEST_SCALE / SMALLEST_SCALE) / (ROWS - 1)
SKIPPED_ROWS = 3
"""Rows whose scale says "surely zero" (P(0) > 0.998): their indices are zero and never coded."""
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

    @cached_property
    def cumulative(self) -> Uint32s:
        """Frequencies of all earlier symbols of the row, uint32 (symbols,)."""
        before = np.cumsum(self.frequency, dtype=np.uint64) - self.frequency
        return (before - before[self.start[:-1]].repeat(np.diff(self.start))).astype(np.uint32)

    @cached_property
    def buckets(self) -> npt.NDArray[np.uint16]:
        """First symbol of each slot's bucket, uint16 (rows, 2¹⁶ >> BUCKET_BITS): where decoding starts to look."""
        slots = np.arange(0, TOTAL, 1 << BUCKET_BITS)
        bounds = zip(self.start[:-1], self.start[1:], strict=True)
        found = [np.searchsorted(self.cumulative[a:b], slots, side="right") - 1 for a, b in bounds]
        return np.array(found, dtype=np.uint16)

    @cached_property
    def bits(self) -> npt.NDArray[np.float32]:
        """Cost of each symbol in bits, float32 (symbols,); an escape's extra bits come on top."""
        return (PRECISION - np.log2(self.frequency)).astype(np.float32)


def quantize_distribution(probabilities: npt.NDArray[np.float64]) -> Uint32s:
    """Return positive integer frequencies that sum to 2¹⁶, as near to the probabilities as rounding allows."""
    shares = probabilities / probabilities.sum() * (TOTAL - len(probabilities))
    frequency = np.floor(shares).astype(np.int64) + 1
    short = TOTAL - int(frequency.sum())
    order = np.argsort(np.floor(shares) - shares, kind="stable")
    frequency[order[:short]] += 1
    return frequency.astype(np.uint32)


def row_scale(row: int) -> float:
    """Return the standard deviation that a row stands for, in quantizer steps."""
    return SMALLEST_SCALE * math.exp(row * LOG_STEP)


@lru_cache(1)
def gaussian_tables() -> Tables:
    """Return the tables of zero-mean Gaussians of the 64 scales, each integrated over unit intervals."""
    rows = []
    for row in range(ROWS):
        scale = row_scale(row)
        radius = min(1023, math.ceil(4 * scale) + 2)
        edges = (np.arange(radius + 1) + 0.5) / (scale * math.sqrt(2))
        tail = np.array([math.erfc(edge) / 2 for edge in edges])
        side = tail[:-1] - tail[1:]
        centre = 1.0 - 2 * tail[0]
        rows.append(quantize_distribution(np.concatenate([side[::-1], [centre], side, [2 * tail[-1]]])))
    return Tables.of_frequencies(rows)
