"""Floats → integers. A quantizer is a value: a number for the stream, a name, trellis states, and a function."""

from collections.abc import Callable
from typing import NamedTuple

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import ONE_STATE, Indices, States
from trellic.entropy.tables import Tables
from trellic.errors import BadRequest, UnsupportedStream
from trellic.quantize import deadzone, lattice, rdoq, tcq, uniform
from trellic.quantize.levels import ABOUT_MEANS, Levels, Offsets, dequantize
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
    "quantizer_to_tune",
    "relatives",
]


class Quantizer(NamedTuple):
    """A quantizer, with the step and rate weight of models that hold no operating points for it.

    quantize  (latents, parameters, weights, settings, state) → indices int32 (n,). Arrays are flat and in coding order;
              latents and weights float32 (n,), a weight being what a latent's squared error is worth; `state` is
              the trellis state before the first.
    step, rate_weight  as in `QuantizerParameters`
    levels    where its levels lie
    fixed     gives tables and offsets, where they are the same for every model
    """

    number: int
    name: str
    states: States
    quantize: Callable[[Latents, Parameters, Latents, QuantizerParameters, int], Indices]
    step: int
    rate_weight: float
    levels: Levels = ABOUT_MEANS
    fixed: Callable[[], tuple[Tables, Offsets]] | None = None


def _tcq(number: int, h0: int, h1: int) -> Quantizer:
    states = tcq.states_of(h0, h1)
    return Quantizer(number, f"tcq{len(states.sets)}", states, tcq.quantize_by(h0, h1), 1400, 0.03)


QUANTIZERS = (
    Quantizer(0, "uniform", ONE_STATE, uniform.quantize, ONE, 0.0),
    Quantizer(1, "deadzone", ONE_STATE, deadzone.quantize, ONE, 0.08),
    Quantizer(2, "rdoq", ONE_STATE, rdoq.quantize, ONE, 0.06),
    _tcq(3, 0o5, 0o2),  # as dependent quantization in H.266 (VVC)
    _tcq(4, 0o17, 0o4),  # as in the Enhanced Compression Model after it
    _tcq(5, 0o23, 0o4),
    _tcq(6, 0o57, 0o22),
    _tcq(7, 0o135, 0o62),
    _tcq(8, 0o235, 0o126),
    _tcq(9, 0o533, 0o212),
    _tcq(12, 0o1015, 0o736),
    _tcq(13, 0o3721, 0o1312),
)
"""Numbers are part of the format. Codes of 16 states and more were searched by `experiments/states`."""

LATTICE = Quantizer(11, "lattice", ONE_STATE, lattice.quantize, ONE, 0.06, lattice.FIXED, lattice.tables)
"""Not tuned, and of no effort: what is lost in coding again and again is what it is for."""

NESTED = Quantizer(10, "nested", ONE_STATE, deadzone.quantize, ONE, 0.08)
"""Of streams in layers, whose indices are coded digit by digit (`codec/layers.py`); with one plane, a dead zone."""

BY_EFFORT = ("uniform", "deadzone", "rdoq", "tcq8", "tcq32", "tcq128", "tcq256", "tcq512", "tcq1024")
"""The quantizer of each effort from 1 to 9, for those who do not know the words. Decoding takes the same for all."""
DEFAULT_EFFORT = 7


def quantizer_for(effort: int) -> Quantizer:
    """Return the quantizer of an effort, 1 (quick) to 9 (small). Raises BadRequest."""
    if not 1 <= effort <= len(BY_EFFORT):
        raise BadRequest(f"effort {effort} is not between 1 and {len(BY_EFFORT)}")
    return quantizer_named(BY_EFFORT[effort - 1])


def quantizer_named(name: str) -> Quantizer:
    """Return the quantizer of that name. Raises BadRequest."""
    return LATTICE if name == LATTICE.name else quantizer_to_tune(name)


def quantizer_to_tune(name: str) -> Quantizer:
    """Return the quantizer of that name, which a model can be tuned and trained for. Raises BadRequest."""
    for quantizer in QUANTIZERS:
        if quantizer.name == name:
            return quantizer
    raise BadRequest(f"no quantizer {name!r} (there are: {', '.join(quantizer.name for quantizer in QUANTIZERS)})")


def quantizer_numbered(number: int) -> Quantizer:
    """Return the quantizer that a stream names by number. Raises UnsupportedStream."""
    for quantizer in (*QUANTIZERS, LATTICE, NESTED):
        if quantizer.number == number:
            return quantizer
    raise UnsupportedStream(f"quantizer number {number} is not known to this release")


def relatives(quantizer: Quantizer) -> list[Quantizer]:
    """Return the quantizers whose tables and operating points serve this one: itself, then the nearest in states.

    The lattice and nested quantizers have the operating points of rdoq.

    All trellises have the same two sets of levels, and the number of states changes their statistics little.
    """

    def memory(one: Quantizer) -> int:
        return len(one.states.sets).bit_length()

    if quantizer.number in (LATTICE.number, NESTED.number):
        return [quantizer, quantizer_named("rdoq")]
    if not quantizer.states.is_trellis:
        return [quantizer]
    trellises = [one for one in QUANTIZERS if one.states.is_trellis]
    return sorted(trellises, key=lambda one: abs(memory(one) - memory(quantizer)))
