"""Rate-distortion-optimized quantization: each index by what it costs, in bits of the coder's own tables.

For every residual the two levels around it and zero compete for the least weight · squared error + strength · bits.
Parameters are fixed within a pass, so the choice is exact for a pass; what it does to later passes is not looked at.
"""

import numpy as np

from trellic.entropy.machine import Indices
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.rans import index_bits
from trellic.entropy.tables import ESCAPE_LIMIT
from trellic.kernels import kernel
from trellic.quantize.levels import magnitude
from trellic.quantize.setting import Latents, Setting


@kernel
def _quantize(latents, means, rows, weights, step, strength, points, radius, start, bits, indices):  # type: ignore[no-untyped-def]
    for n in range(len(latents)):
        row = int(rows[n])
        scaled = (np.float64(latents[n]) * ONE - means[n]) / step
        sign = -1 if scaled < 0 else 1
        distance = min(abs(scaled), ESCAPE_LIMIT - 1.0)
        best = 0
        least = weights[n] * distance**2 + strength * index_bits(0, row, radius, start, bits)
        below = int(distance)
        for index in range(max(below, 1), below + 2):
            error = distance - magnitude(index, row, points) / ONE
            cost = weights[n] * error**2 + strength * index_bits(index, row, radius, start, bits)
            if cost < least:
                best, least = index, cost
        indices[n] = sign * best


def quantize(latents: Latents, parameters: Parameters, weights: Latents, setting: Setting, state: int) -> Indices:
    """Return int32 (n,) indices; the strength is the squared error, in steps², that one bit is worth."""
    del state
    indices = np.empty(len(latents), np.int32)
    tables = setting.tables
    _quantize(
        latents, parameters.means, parameters.rows, weights, setting.step, setting.strength, setting.points,
        tables.radius, tables.start, tables.bits, indices,
    )  # fmt: skip
    return indices
