"""Scale indices of many log scales, as kernels find them one by one."""

import numpy as np
import numpy.typing as npt

from trellic.entropy.parameters import ONE, scale_index_of, scale_offset


def scale_indices_of(log_scales: npt.NDArray[np.float32], step: int = ONE) -> npt.NDArray[np.uint8]:
    """Return the nearest scale index of each natural log scale, (n,), at a step in 1/1024."""
    offset = scale_offset(step)
    return np.array([scale_index_of(one, offset) for one in log_scales], np.uint8)
