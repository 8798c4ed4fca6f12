"""The positions of a pass: which latents a mask selects, which of them are coded, and by what integers.

Planes are (C, H, W), C-contiguous. A latent whose scale says "surely zero" is skipped: it is its mean, and nothing of
it is quantized or coded.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from trellic.entropy.parameters import ONE, Parameters, fixed_mean, scale_index_of, scale_offset
from trellic.entropy.tables import SKIPPED_SCALES
from trellic.kernels import kernel
from trellic.model.schedule import Mask

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int32]


@lru_cache
def pattern_of(mask: Mask) -> npt.NDArray[np.uint8]:
    """Return a mask's pattern, uint8 (rows, columns), 1 where a position is in it."""
    return np.array([[int(cell) for cell in row] for row in mask], np.uint8)


def positions_in(mask: Mask, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return which positions of planes a mask has, (height, width)."""
    pattern = pattern_of(mask)
    return pattern[np.ix_(np.arange(height) % len(pattern), np.arange(width) % len(pattern[0]))] > 0


@lru_cache(64)
def columns_of(mask: Mask, width: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the columns of each row of a pattern in planes of a width, int32 (rows, width), and how many there are."""
    found = [np.flatnonzero(np.resize(row, width)) for row in pattern_of(mask)]
    columns = np.zeros((len(found), width), np.int32)
    for row, each in enumerate(found):
        columns[row, : len(each)] = each
    return columns, np.array([len(each) for each in found], np.int32)


@kernel
def _select(means, log_scales, columns, counts, offset, decoded, positions, scale_indices, fixed):  # type: ignore[no-untyped-def]
    channels, height, width = means.shape
    count = 0
    for channel in range(channels):
        for line in range(height):
            row = line % len(counts)
            for number in range(counts[row]):
                column = columns[row, number]
                mean = fixed_mean(means[channel, line, column])
                decoded[channel, line, column] = mean / ONE
                index = scale_index_of(log_scales[channel, line, column], offset)
                if index >= SKIPPED_SCALES:
                    positions[count] = (channel * height + line) * width + column
                    scale_indices[count] = index
                    fixed[count] = mean
                    count += 1
    return count


def coded_positions(
    means: Floats, log_scales: Floats, mask: Mask, step: int, decoded: Floats
) -> tuple[Positions, Parameters]:
    """Return the flat positions of a mask's coded latents, int32 (n,) in raster order, and their parameters.

    means, log_scales  float32 (C, H, W), of all latents; step in 1/1024
    decoded            float32 (C, H, W): the mask's latents are set to their means
    """
    columns, counts = columns_of(mask, means.shape[2])
    room = means.shape[0] * int(counts[np.arange(means.shape[1]) % len(counts)].sum())
    positions, scale_indices = np.empty(room, np.int32), np.empty(room, np.uint8)
    fixed = np.empty(room, np.int32)
    offset = scale_offset(step)
    count = _select(means, log_scales, columns, counts, offset, decoded, positions, scale_indices, fixed)
    return positions[:count], Parameters(scale_indices[:count], fixed[:count])
