"""The one place where network outputs become integers: (table row, mean in fixed point) for every latent.

Everything after this point, in the encoder and the decoder, is integer arithmetic.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import LOG_STEP, ROWS, SMALLEST_SCALE

FRACTION_BITS = 10
"""Means and quantizer steps are counted in 1/1024 of the unit of the latents."""
ONE = 1 << FRACTION_BITS
MEAN_LIMIT = 1 << 14


class Parameters(NamedTuple):
    """What the prior says of some latents, all of one shape: rows uint8; means int32 in 1/1024."""

    rows: npt.NDArray[np.uint8]
    means: npt.NDArray[np.int32]

    def take(self, index: npt.NDArray[np.intp]) -> "Parameters":
        """Return the parameters at flat positions of the last axis."""
        return Parameters(self.rows[..., index].ravel(), self.means[..., index].ravel())


def rows_of(log_scales: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return the nearest table row of each natural log scale."""
    row = np.floor((log_scales - np.log(SMALLEST_SCALE)) * np.float32(1 / LOG_STEP) + np.float32(0.5))
    # fmax and fmin send NaN, which a damaged model could produce, to row 0 rather than anywhere.
    return np.fmax(np.fmin(row, ROWS - 1), 0).astype(np.uint8)


def parameters_of(means: npt.NDArray[np.float32], log_scales: npt.NDArray[np.float32]) -> Parameters:
    """Return the integers that stand for a head's outputs, same shape."""
    limited = np.fmax(np.fmin(means, MEAN_LIMIT), -MEAN_LIMIT)
    return Parameters(rows_of(log_scales), np.rint(limited * ONE).astype(np.int32))
