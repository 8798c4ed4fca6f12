"""Floats → integers. A quantizer is a value: a number for the stream, a name, and two functions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.parameters import Parameters
from trellic.entropy.tables import Tables
from trellic.errors import BadRequest, UnsupportedStream
from trellic.quantize import deadzone, rdoq, uniform

Latents = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]


class Quantizer(NamedTuple):
    """A quantizer and how hard it tries where a model does not say.

    quantize    (latents, parameters, tables, step, strength) → indices
    dequantize  (indices, parameters, step) → latents
    strength    the encoder's one setting; its unit is the quantizer's own

    All arrays are flat and in scan order; `step` is in 1/1024 of the latents' unit. An index in a skipped row is zero.
    """

    number: int
    name: str
    quantize: Callable[[Latents, Parameters, Tables, int, float], Indices]
    dequantize: Callable[[Indices, Parameters, int], Latents]
    strength: float


QUANTIZERS = (
    Quantizer(0, "uniform", uniform.quantize, uniform.dequantize, 0.0),
    Quantizer(1, "deadzone", deadzone.quantize, uniform.dequantize, 0.08),
    Quantizer(2, "rdoq", rdoq.quantize, uniform.dequantize, 0.06),
)


def quantizer_named(name: str) -> Quantizer:
    """Return the quantizer of that name. Raises BadRequest."""
    for quantizer in QUANTIZERS:
        if quantizer.name == name:
            return quantizer
    raise BadRequest(f"no quantizer {name!r} (there are: {', '.join(quantizer.name for quantizer in QUANTIZERS)})")


def quantizer_numbered(number: int) -> Quantizer:
    """Return the quantizer that a stream names by number. Raises UnsupportedStream."""
    for quantizer in QUANTIZERS:
        if quantizer.number == number:
            return quantizer
    raise UnsupportedStream(f"quantizer number {number} is not known to this release")
