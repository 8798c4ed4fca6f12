"""The one place where network outputs become integers: (scale index, mean in fixed point) for every latent.

Everything after this point, in the encoder and the decoder, is integer arithmetic.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import LOG_STEP, SCALES, SMALLEST_SCALE
from trellic.kernels import kernel

FRACTION_BITS = 10
"""Means and quantizer steps are counted in 1/1024 of the unit of the latents."""
ONE = 1 << FRACTION_BITS
MEAN_LIMIT = 1 << 14

LOWEST_LOG_SCALE = np.float32(math.log(SMALLEST_SCALE))
SCALES_PER_LOG = np.float32(1 / LOG_STEP)
_HALF, _ONE = np.float32(0.5), np.float32(ONE)
_LIMIT = np.float32(MEAN_LIMIT)
_OFFSET_ONE = 256


class Parameters(NamedTuple):
    """Predicted parameters of some latents, all of one shape: scale indices uint8; means int32 in 1/1024."""

    scale_indices: npt.NDArray[np.uint8]
    means: npt.NDArray[np.int32]


def scale_offset(step: int) -> np.float32:
    """Return how much a step, in 1/1024, lowers scale indices: a scale index stands for a scale in steps.

    Counted in 1/256 of a scale index, so that every processor's logarithm gives the same.
    """
    return np.float32(round(math.log(step / ONE) / LOG_STEP * _OFFSET_ONE) / _OFFSET_ONE)


# Both are written so that NaN, which only a damaged model can produce, becomes scale index 0 and mean 0.
@kernel
def scale_index_of(log_scale, offset):  # type: ignore[no-untyped-def]
    """Return the scale index of a natural log scale, float32; for kernels."""
    scale_index = math.floor((log_scale - LOWEST_LOG_SCALE) * SCALES_PER_LOG - offset + _HALF)
    return np.uint8(min(scale_index, SCALES - 1)) if scale_index > 0 else np.uint8(0)


@kernel
def fixed_mean(mean):  # type: ignore[no-untyped-def]
    """Return a mean, float32, in 1/1024; for kernels."""
    if not -_LIMIT <= mean <= _LIMIT:
        mean = _LIMIT if mean > _LIMIT else (-_LIMIT if mean < -_LIMIT else np.float32(0))
    return np.int32(np.rint(mean * _ONE))
