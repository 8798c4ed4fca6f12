"""What a quantizer works with at one quality of one model."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import Tables
from trellic.quantize.levels import Points

Latents = npt.NDArray[np.float32]


class Setting(NamedTuple):
    """Tables and reconstruction points; the step in 1/1024 of the latents' unit; and how hard the encoder tries.

    `strength` means nothing to a decoder; its unit is the quantizer's own.
    """

    tables: Tables
    points: Points
    step: int
    strength: float
