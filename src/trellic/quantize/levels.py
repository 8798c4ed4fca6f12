"""Indices → latents, for every quantizer: the level that an index stands for, moved to where its residuals lie.

With step Δ, index k of set Q0 is the level kΔ, and of Q1 (k - sign(k)/2)Δ. A level is then moved by a reconstruction
offset, the measured mean of the residuals that chose it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import CdfIndices, Indices
from trellic.entropy.tables import SCALES
from trellic.kernels import kernel

Offsets = npt.NDArray[np.int16]
"""Reconstruction offsets, int16 (cdf indices, OFFSETS): how far a level's magnitude moves, in 1/1024 of the step."""
OFFSETS = 3
"""Magnitudes with an offset of their own: 1, 2, and all from 3 on. Zero stays where it is."""


def no_offsets(sets: int) -> Offsets:
    """Return offsets that move nothing."""
    return np.zeros((SCALES * sets, OFFSETS), np.int16)


@kernel
def magnitude(index, cdf_index, offsets):  # type: ignore[no-untyped-def]
    """Return the magnitude that an index of positive magnitude stands for, in 1/1024 of the step; for kernels."""
    level_set = cdf_index // SCALES
    return (2 * index - level_set) * (ONE // 2) + offsets[cdf_index, min(index, OFFSETS) - 1]


@kernel
def _dequantize(indices, cdf_indices, means, offsets, step, latents):  # type: ignore[no-untyped-def]
    for n in range(len(indices)):
        value = means[n] * ONE
        if indices[n] > 0:
            value += magnitude(np.int64(indices[n]), np.int64(cdf_indices[n]), offsets) * step
        elif indices[n] < 0:
            value -= magnitude(-np.int64(indices[n]), np.int64(cdf_indices[n]), offsets) * step
        latents[n] = value / (ONE * ONE)


def dequantize(
    indices: Indices, cdf_indices: CdfIndices, means: npt.NDArray[np.int32], offsets: Offsets, step: int
) -> npt.NDArray[np.float32]:
    """Return mean ± magnitude · step, float32 (n,), for a step in 1/1024 of the latents' unit."""
    latents = np.empty(len(indices), np.float32)
    _dequantize(indices, cdf_indices, means.astype(np.int64), offsets, step, latents)
    return latents


class Levels(NamedTuple):
    """Where the levels of a quantizer lie.

    place   (parameters, step in 1/1024) → parameters: what indices count from in place of means, and cdf indices of the
            first set in place of scale indices
    values  (indices, cdf indices, means as placed, offsets, step) → latents, float32 (n,)
    """

    place: Callable[[Parameters, int], Parameters]
    values: Callable[[Indices, CdfIndices, npt.NDArray[np.int32], npt.NDArray[np.int16], int], npt.NDArray[np.float32]]


def _about_means(parameters: Parameters, step: int) -> Parameters:
    return parameters


ABOUT_MEANS = Levels(_about_means, dequantize)
"""Levels of most quantizers count from the mean."""
