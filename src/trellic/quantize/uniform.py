"""Uniform reconstruction, nearest level: the quantizer that every other is measured against."""

import numpy as np
import numpy.typing as npt

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.tables import ESCAPE_LIMIT


def quantize(latents: npt.NDArray[np.float32], parameters: Parameters, step: int) -> npt.NDArray[np.int32]:
    """Return the nearest index of each residual, int32 (n,)."""
    residuals = latents.astype(np.float64) * ONE - parameters.means
    return np.clip(np.rint(residuals / step), -ESCAPE_LIMIT, ESCAPE_LIMIT).astype(np.int32)


def dequantize(indices: npt.NDArray[np.int32], parameters: Parameters, step: int) -> npt.NDArray[np.float32]:
    """Return mean + index · step, float32 (n,)."""
    return ((parameters.means + indices.astype(np.int64) * step) / ONE).astype(np.float32)
