"""Rate-distortion-optimized quantization: each index by its error and its bits, by the coder's own tables.

For every residual the two levels around it and zero compete for the least weight · squared error + λ · bits.
Parameters are fixed within a pass, so the choice is exact for a pass; its effect on later passes is ignored.
"""

import numpy as np

from trellic.entropy.bits import index_bits
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import Indices
from trellic.entropy.tables import ESCAPE_LIMIT
from trellic.kernels import kernel
from trellic.quantize.levels import magnitude
from trellic.quantize.settings import Latents, QuantizerParameters


@kernel
def _quantize(latents, means, scale_indices, weights, step, rate_weight, offsets, radius, start, bits, indices):  # type: ignore[no-untyped-def]
    for n in range(len(latents)):
        scale_index = int(scale_indices[n])
        scaled = (np.float64(latents[n]) * ONE - means[n]) / step
        sign = -1 if scaled < 0 else 1
        distance = min(abs(scaled), ESCAPE_LIMIT - 1.0)
        best = 0
        least = weights[n] * distance**2 + rate_weight * index_bits(0, scale_index, radius, start, bits)
        below = int(distance)
        for index in range(max(below, 1), below + 2):
            error = distance - magnitude(index, scale_index, offsets) / ONE
            cost = weights[n] * error**2 + rate_weight * index_bits(index, scale_index, radius, start, bits)
            if cost < least:
                best, least = index, cost
        indices[n] = sign * best


def quantize(
    latents: Latents, parameters: Parameters, weights: Latents, settings: QuantizerParameters, state: int
) -> Indices:
    """Return int32 (n,) indices; the rate weight λ is the squared error, in steps², that one bit is worth."""
    del state
    indices = np.empty(len(latents), np.int32)
    tables = settings.tables
    _quantize(
        latents, parameters.means, parameters.scale_indices, weights, settings.step, settings.rate_weight,
        settings.offsets, tables.radius, tables.start, tables.bits, indices,
    )  # fmt: skip
    return indices
