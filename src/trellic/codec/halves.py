"""Checkerboard halves of latents: which of them are coded, where they lie, and by what integers.

Planes are (C, H, W), C-contiguous; a half is EVEN (row + column is even), ODD, or WHOLE. A latent whose scale says
"surely zero" is skipped: it is its mean, and nothing of it is quantized or coded.
"""

import numpy as np
import numpy.typing as npt

from trellic.entropy.parameters import ONE, Parameters, fixed_mean, row_of, row_offset
from trellic.entropy.tables import SKIPPED_ROWS
from trellic.kernels import kernel

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int32]

EVEN, ODD, WHOLE = 0, 1, 2


@kernel
def _select(means, log_scales, half, offset, decoded, places, rows, fixed):  # type: ignore[no-untyped-def]
    channels, height, width = means.shape
    stride = 1 if half == WHOLE else 2
    count = 0
    for channel in range(channels):
        for line in range(height):
            for column in range(0 if half == WHOLE else (line + half) & 1, width, stride):
                mean = fixed_mean(means[channel, line, column])
                decoded[channel, line, column] = mean / ONE
                row = row_of(log_scales[channel, line, column], offset)
                if row >= SKIPPED_ROWS:
                    places[count] = (channel * height + line) * width + column
                    rows[count] = row
                    fixed[count] = mean
                    count += 1
    return count


def coded_latents(
    means: Floats, log_scales: Floats, half: int, step: int, decoded: Floats
) -> tuple[Places, Parameters]:
    """Return the flat places of a half's coded latents, int32 (n,) in raster order, and their parameters.

    means, log_scales  float32 (C, H, W), of all latents; step in 1/1024
    decoded            float32 (C, H, W): the half's latents are set to their means
    """
    room = means.size if half == WHOLE else len(means) * ((means[0].size + 1) // 2)
    places, rows, fixed = np.empty(room, np.int32), np.empty(room, np.uint8), np.empty(room, np.int32)
    count = _select(means, log_scales, half, row_offset(step), decoded, places, rows, fixed)
    return places[:count], Parameters(rows[:count], fixed[:count])
