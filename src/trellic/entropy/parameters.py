"""The one place where network outputs become integers: (table row, mean in fixed point) for every latent.

Everything after this point, in the encoder and the decoder, is integer arithmetic.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import LOG_STEP, ROWS, SMALLEST_SCALE
from trellic.kernels import kernel

FRACTION_BITS = 10
"""Means and quantizer steps are counted in 1/1024 of the unit of the latents."""
ONE = 1 << FRACTION_BITS
MEAN_LIMIT = 1 << 14

_LOWEST = np.float32(math.log(SMALLEST_SCALE))
_PER_ROW = np.float32(1 / LOG_STEP)
_HALF, _ONE = np.float32(0.5), np.float32(ONE)
_LIMIT = np.float32(MEAN_LIMIT)
_OFFSET_ONE = 256


class Parameters(NamedTuple):
    """What the prior says of some latents, all of one shape: rows uint8; means int32 in 1/1024."""

    rows: npt.NDArray[np.uint8]
    means: npt.NDArray[np.int32]


def row_offset(step: int) -> np.float32:
    """Return by how many rows a step, in 1/1024, lowers them: a row stands for a scale in steps.

    Counted in 1/256 of a row, so that every processor's logarithm gives the same.
    """
    return np.float32(round(math.log(step / ONE) / LOG_STEP * _OFFSET_ONE) / _OFFSET_ONE)


# Both are written so that NaN, which only a damaged model can produce, becomes row 0 and mean 0.
@kernel
def row_of(log_scale, offset):  # type: ignore[no-untyped-def]
    """Return the table row of a natural log scale, float32; for kernels."""
    row = math.floor((log_scale - _LOWEST) * _PER_ROW - offset + _HALF)
    return np.uint8(min(row, ROWS - 1)) if row > 0 else np.uint8(0)


@kernel
def fixed_mean(mean):  # type: ignore[no-untyped-def]
    """Return a mean, float32, in 1/1024; for kernels."""
    if not -_LIMIT <= mean <= _LIMIT:
        mean = _LIMIT if mean > _LIMIT else (-_LIMIT if mean < -_LIMIT else np.float32(0))
    return np.int32(np.rint(mean * _ONE))


@kernel
def _fill(log_scales, offset, rows):  # type: ignore[no-untyped-def]
    for n in range(len(rows)):
        rows[n] = row_of(log_scales[n], offset)


def rows_of(log_scales: npt.NDArray[np.float32], step: int = ONE) -> npt.NDArray[np.uint8]:
    """Return the nearest table row of each natural log scale, (n,), at a step in 1/1024."""
    rows = np.empty(len(log_scales), np.uint8)
    _fill(log_scales, row_offset(step), rows)
    return rows
