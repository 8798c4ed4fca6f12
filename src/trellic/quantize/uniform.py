"""Uniform reconstruction, nearest level: the quantizer that every other is measured against."""

import numpy as np
import numpy.typing as npt
from numba import njit

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.tables import ESCAPE_LIMIT, SKIPPED_ROWS, Tables


@njit(cache=True, nogil=True)
def _quantize(latents, means, rows, step, indices):  # type: ignore[no-untyped-def]
    for n in range(len(latents)):
        nearest = np.rint((np.float64(latents[n]) * ONE - means[n]) / step)
        indices[n] = 0 if rows[n] < SKIPPED_ROWS else min(max(nearest, -ESCAPE_LIMIT), ESCAPE_LIMIT)


@njit(cache=True, nogil=True)
def _dequantize(indices, means, step, latents):  # type: ignore[no-untyped-def]
    for n in range(len(indices)):
        latents[n] = (means[n] + indices[n] * step) / ONE


def quantize(
    latents: npt.NDArray[np.float32], parameters: Parameters, tables: Tables, step: int, strength: float
) -> npt.NDArray[np.int32]:
    """Return the nearest index of each residual, int32 (n,); tables and strength do not matter."""
    del tables, strength
    indices = np.empty(len(latents), np.int32)
    _quantize(latents, parameters.means, parameters.rows, step, indices)
    return indices


def dequantize(indices: npt.NDArray[np.int32], parameters: Parameters, step: int) -> npt.NDArray[np.float32]:
    """Return mean + index · step, float32 (n,)."""
    latents = np.empty(len(indices), np.float32)
    _dequantize(indices, parameters.means, step, latents)
    return latents
