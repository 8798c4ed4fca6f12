"""Indices → latents, for every quantizer: the level that an index stands for, moved to where its residuals lie.

With step Δ, index k of kind 0 is the level kΔ, and of kind 1 (k - sign(k)/2)Δ. A level is then moved by a
reconstruction point, the measured mean of the residuals that chose it.
"""

import numpy as np
import numpy.typing as npt

from trellic.entropy.machine import Indices, Rows
from trellic.entropy.parameters import ONE
from trellic.entropy.tables import ROWS
from trellic.kernels import kernel

Points = npt.NDArray[np.int16]
"""Reconstruction points, int16 (table rows, POINTS): how far a level's magnitude moves, in 1/1024 of the step."""
POINTS = 3
"""Magnitudes with a point of their own: 1, 2, and all from 3 on. Zero stays where it is."""


def no_points(kinds: int) -> Points:
    """Return points that move nothing."""
    return np.zeros((ROWS * kinds, POINTS), np.int16)


@kernel
def magnitude(index, table_row, points):  # type: ignore[no-untyped-def]
    """Return the magnitude that an index of positive magnitude stands for, in 1/1024 of the step; for kernels."""
    kind = table_row // ROWS
    return (2 * index - kind) * (ONE // 2) + points[table_row, min(index, POINTS) - 1]


@kernel
def _dequantize(indices, table_rows, means, points, step, latents):  # type: ignore[no-untyped-def]
    for n in range(len(indices)):
        value = means[n] * ONE
        if indices[n] > 0:
            value += magnitude(np.int64(indices[n]), np.int64(table_rows[n]), points) * step
        elif indices[n] < 0:
            value -= magnitude(-np.int64(indices[n]), np.int64(table_rows[n]), points) * step
        latents[n] = value / (ONE * ONE)


def dequantize(
    indices: Indices, table_rows: Rows, means: npt.NDArray[np.int32], points: Points, step: int
) -> npt.NDArray[np.float32]:
    """Return mean ± magnitude · step, float32 (n,), for a step in 1/1024 of the latents' unit."""
    latents = np.empty(len(indices), np.float32)
    _dequantize(indices, table_rows, means.astype(np.int64), points, step, latents)
    return latents
