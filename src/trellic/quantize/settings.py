"""The parameters of a quantizer at one quality of one model."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import Tables
from trellic.quantize.levels import Offsets

Latents = npt.NDArray[np.float32]


class OperatingPoint(NamedTuple):
    """The encoder's parameters at a quality, 0 to 1: the step in 1/1024 of the latents' unit, and the rate weight."""

    quality: float
    step: float
    rate_weight: float


class QuantizerParameters(NamedTuple):
    """Tables, reconstruction offsets, the step in 1/1024 of the latents' unit, and the rate weight.

    rate_weight  λ: the squared error, in steps², that one bit is worth; `deadzone` widens its zero bin by as many
                 steps instead. A decoder does not use it.
    """

    tables: Tables
    offsets: Offsets
    step: int
    rate_weight: float
