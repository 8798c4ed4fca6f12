"""Positions of a coding pass: which latents are coded, where they lie, and by what integers.

Planes are (C, H, W), C-contiguous. A mask is ANCHORS (row + column is even), NON_ANCHORS, or ALL. A latent whose scale
says "surely zero" is skipped: it is its mean, and nothing of it is quantized or coded.
"""

import numpy as np
import numpy.typing as npt

from trellic.entropy.parameters import ONE, Parameters, fixed_mean, scale_index_of, scale_offset
from trellic.entropy.tables import SKIPPED_SCALES
from trellic.kernels import kernel

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int32]

ANCHORS, NON_ANCHORS, ALL = 0, 1, 2


@kernel
def _select(means, log_scales, mask, offset, decoded, positions, scale_indices, fixed):  # type: ignore[no-untyped-def]
    channels, height, width = means.shape
    stride = 1 if mask == ALL else 2
    count = 0
    for channel in range(channels):
        for row in range(height):
            for column in range(0 if mask == ALL else (row + mask) & 1, width, stride):
                mean = fixed_mean(means[channel, row, column])
                decoded[channel, row, column] = mean / ONE
                scale_index = scale_index_of(log_scales[channel, row, column], offset)
                if scale_index >= SKIPPED_SCALES:
                    positions[count] = (channel * height + row) * width + column
                    scale_indices[count] = scale_index
                    fixed[count] = mean
                    count += 1
    return count


def coded_positions(
    means: Floats, log_scales: Floats, mask: int, step: int, decoded: Floats
) -> tuple[Positions, Parameters]:
    """Return the flat positions of the coded latents in a mask, int32 (n,) in raster order, and their parameters.

    means, log_scales  float32 (C, H, W), of all latents; step in 1/1024
    decoded            float32 (C, H, W): the latents in the mask are set to their means
    """
    room = means.size if mask == ALL else len(means) * ((means[0].size + 1) // 2)
    positions, scale_indices, fixed = np.empty(room, np.int32), np.empty(room, np.uint8), np.empty(room, np.int32)
    count = _select(means, log_scales, mask, scale_offset(step), decoded, positions, scale_indices, fixed)
    return positions[:count], Parameters(scale_indices[:count], fixed[:count])
