"""Nearest level, but for a zero bin that is wider: residuals that barely reach a level are not worth its bits."""

import numpy as np
import numpy.typing as npt
from numba import njit

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.tables import ESCAPE_LIMIT, SKIPPED_ROWS, Tables


@njit(cache=True, nogil=True)
def _quantize(latents, means, rows, step, strength, indices):  # type: ignore[no-untyped-def]
    for n in range(len(latents)):
        scaled = (np.float64(latents[n]) * ONE - means[n]) / step
        if rows[n] < SKIPPED_ROWS or abs(scaled) < 0.5 + strength:
            indices[n] = 0
        else:
            indices[n] = min(max(np.rint(scaled), -ESCAPE_LIMIT), ESCAPE_LIMIT)


def quantize(
    latents: npt.NDArray[np.float32], parameters: Parameters, tables: Tables, step: int, strength: float
) -> npt.NDArray[np.int32]:
    """Return int32 (n,) indices; `strength`, in steps, is how far the zero bin reaches beyond half a step."""
    del tables
    indices = np.empty(len(latents), np.int32)
    _quantize(latents, parameters.means, parameters.rows, step, strength, indices)
    return indices
