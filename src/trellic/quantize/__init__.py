"""Floats → integers. A quantizer is a value: a number for the stream, a name, trellis states, and a function."""

from collections.abc import Callable
from typing import NamedTuple

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import EIGHT_STATES, FOUR_STATES, ONE_STATE, Indices, States
from trellic.errors import BadRequest, UnsupportedStream
from trellic.quantize import deadzone, rdoq, tcq, uniform
from trellic.quantize.levels import dequantize
from trellic.quantize.settings import Latents, OperatingPoint, QuantizerParameters

__all__ = [
    "DEFAULT_EFFORT",
    "QUANTIZERS",
    "Latents",
    "OperatingPoint",
    "Quantizer",
    "QuantizerParameters",
    "dequantize",
    "quantizer_for",
    "quantizer_named",
    "quantizer_numbered",
]


class Quantizer(NamedTuple):
    """A quantizer, with the step and rate weight of models that hold no operating points for it.

    quantize  (latents, parameters, weights, settings, state) → indices int32 (n,). Arrays are flat and in coding order;
              latents and weights float32 (n,), a weight being what a latent's squared error is worth; `state` is
              the trellis state before the first.
    step, rate_weight  as in `QuantizerParameters`
    """

    number: int
    name: str
    states: States
    quantize: Callable[[Latents, Parameters, Latents, QuantizerParameters, int], Indices]
    step: int
    rate_weight: float


QUANTIZERS = (
    Quantizer(0, "uniform", ONE_STATE, uniform.quantize, ONE, 0.0),
    Quantizer(1, "deadzone", ONE_STATE, deadzone.quantize, ONE, 0.08),
    Quantizer(2, "rdoq", ONE_STATE, rdoq.quantize, ONE, 0.06),
    Quantizer(3, "tcq4", FOUR_STATES, tcq.quantize_by_four, 1400, 0.03),
    Quantizer(4, "tcq8", EIGHT_STATES, tcq.quantize_by_eight, 1400, 0.03),
)

BY_EFFORT = ("uniform", "deadzone", "rdoq", "rdoq", "tcq4", "tcq4", "tcq8", "tcq8", "tcq8")
"""The quantizer of each effort from 1 to 9, for those who do not know the words. Decoding takes the same for all."""
DEFAULT_EFFORT = 7


def quantizer_for(effort: int) -> Quantizer:
    """Return the quantizer of an effort, 1 (quick) to 9 (small). Raises BadRequest."""
    if not 1 <= effort <= len(BY_EFFORT):
        raise BadRequest(f"effort {effort} is not between 1 and {len(BY_EFFORT)}")
    return quantizer_named(BY_EFFORT[effort - 1])


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
