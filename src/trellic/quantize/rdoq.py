"""Rate-distortion-optimized quantization: each index by what it costs, in bits of the coder's own tables.

For every residual the two levels around it and zero compete for the least squared error + strength · bits. Parameters
are fixed within a pass, so the choice is exact for a pass; what it does to later passes is not looked at.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.rans import index_bits
from trellic.entropy.tables import ESCAPE_LIMIT, SKIPPED_ROWS, Tables


@njit(cache=True, nogil=True)
def _quantize(latents, means, rows, step, strength, radius, start, bits, indices):  # type: ignore[no-untyped-def]
    for n in range(len(latents)):
        row = rows[n]
        if row < SKIPPED_ROWS:
            indices[n] = 0
            continue
        scaled = (np.float64(latents[n]) * ONE - means[n]) / step
        scaled = min(max(scaled, -ESCAPE_LIMIT), ESCAPE_LIMIT - 1)
        below = np.int64(math.floor(scaled))
        best, least = np.int64(0), scaled * scaled + strength * index_bits(0, row, radius, start, bits)
        for index in (below, below + 1):
            cost = (scaled - index) ** 2 + strength * index_bits(index, row, radius, start, bits)
            if cost < least:
                best, least = index, cost
        indices[n] = best


def quantize(
    latents: npt.NDArray[np.float32], parameters: Parameters, tables: Tables, step: int, strength: float
) -> npt.NDArray[np.int32]:
    """Return int32 (n,) indices; `strength` is the squared error, in steps², that one bit is worth."""
    indices = np.empty(len(latents), np.int32)
    _quantize(
        latents, parameters.means, parameters.rows, step, strength, tables.radius, tables.start, tables.bits, indices
    )
    return indices
