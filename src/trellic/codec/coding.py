"""The one loop that follows a schedule: graphs are run, passes are coded, in the order that the model's card lists.

The encoder, the decoder, verification, table fitting and training differ in what runs the graphs and in what codes a
pass, and in nothing else. Within a pass, latents are coded channel by channel in raster order. A decoder knows their
scales too, but coding them by falling scale costs bits (docs/decisions, 4).
"""

from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.positions import Floats, Positions, coded_positions
from trellic.entropy.correction import Correction, Decoded
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import ONE_STATE, CdfIndices, Indices, States
from trellic.entropy.tables import SKIPPED_SCALES, Tables, scale_of
from trellic.errors import DamagedModel
from trellic.model import Model
from trellic.model.schedule import Code, Run, Step, parse_reference
from trellic.quantize import QuantizerParameters
from trellic.quantize.levels import ABOUT_MEANS, no_offsets

Value = TypeVar("Value")
SMALLEST_Z_SCALE = np.float32(np.log(scale_of(SKIPPED_SCALES)) + 1e-3)
"""Natural log: z is never skipped, since a network reads it even where it is surely zero."""
NOTHING = np.float32(-np.inf)
"""The log scale of what is not coded."""
Sides = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""Positions before and after an array, along (C, H, W)."""
Skipped = npt.NDArray[np.uint8]
"""Blocks of which nothing is coded: 1, in an array as large as planes of z."""


class Values(Protocol[Value]):
    """Variables by name: arrays here, tensors in training."""

    def read(self, reference: str) -> Value:
        """Return a variable, or channels of it: "y[0:112]"."""

    def write(self, name: str, value: Value) -> None:
        """Keep a variable."""


def _nothing(step: Step) -> None:
    """Do nothing once a step is done."""


def run(
    steps: Iterable[Step],
    graphs: Callable[[str, list[Value]], Sequence[Value]],
    values: Values[Value],
    code: Callable[[Code], None],
    done: Callable[[Step], None] = _nothing,
) -> None:
    """Follow the steps of a schedule.

    graphs  runs a graph by name: inputs → outputs
    code    codes a pass: reads what it needs from `values`, and puts there what is decoded
    done    called with each step once it is done
    """
    for step in steps:
        if isinstance(step, Run):
            _run_graph(step, graphs, values)
        else:
            code(step)
        done(step)


def _run_graph(step: Run, graphs: Callable[[str, list[Value]], Sequence[Value]], values: Values[Value]) -> None:
    """Run a graph. What it writes is named here only, so that it can be forgotten before the next one runs."""
    outputs = graphs(step.graph, [values.read(name) for name in step.reads])
    for name, output in zip(step.writes, outputs, strict=True):
        values.write(name, output)


def no_passes(step: Code) -> None:
    """Code nothing: for the parts of a schedule that have no passes."""
    raise AssertionError(step)


class Arrays:
    """Variables of one picture as numpy arrays, float32 (C, H, W)."""

    def __init__(self, **values: npt.NDArray[Any]) -> None:
        self.by_name: dict[str, npt.NDArray[Any]] = values

    def read(self, reference: str) -> npt.NDArray[Any]:
        """Return a variable, or a view of channels of it."""
        name, start, stop = parse_reference(reference)
        value = self.by_name[name]
        return value if stop is None else value[start:stop]

    def write(self, name: str, value: npt.NDArray[Any]) -> None:
        """Keep a variable."""
        self.by_name[name] = value

    def coded(self, step: Code) -> None:
        """Take note of a pass that is coded."""

    @property
    def grown_by(self) -> Sides:
        """By how many positions planes are larger for graphs than for passes, along (C, H, W), before and after."""
        return (0, 0), (0, 0), (0, 0)

    def keep(self, names: Set[str]) -> None:
        """Forget all other variables."""
        self.by_name = {name: value for name, value in self.by_name.items() if name in names}


class Pass(NamedTuple):
    """The latents of a pass that are coded, in coding order.

    step        of the schedule
    positions   int32 (n,): where each lies in planes of (its channels, H, W), laid flat
    parameters  of each
    state       of the trellis before the first
    correction  of its scale indices by what is decoded; None where there is none
    """

    step: Code
    positions: Positions
    parameters: Parameters
    state: int
    correction: Correction | None = None

    @classmethod
    def of(cls, step: Code, means: Floats, log_scales: Floats, size: int, state: int, decoded: Floats) -> "Pass":
        """Return a pass over planes (its channels, H, W), for a quantizer's step size in 1/1024.

        The mask's latents in `decoded` become their means, which is what those that are not coded stay.
        """
        positions, parameters = coded_positions(means, log_scales, step.mask, size, decoded)
        return cls(step, positions, parameters, state)

    def put(self, values: npt.NDArray[Any], planes: npt.NDArray[Any]) -> None:
        """Put values in coding order in their positions in planes of (its channels, H, W)."""
        planes.reshape(-1)[self.positions] = values

    def gather(self, planes: Floats) -> Floats:
        """Return the pass's values of planes (its channels, H, W) in coding order, (n,)."""
        return planes.reshape(-1)[self.positions]

    def spread(self, values: Floats, area: int) -> Floats:
        """Return its channel's value, of (its channels,), for each latent in coding order; H · W is `area`."""
        return values[self.positions // area]


class PassCoder(Protocol):
    """Codes a pass: decodes it, or quantizes and encodes it, or counts it."""

    def __call__(self, at: Pass, states: States, parameters: QuantizerParameters) -> tuple[Indices, CdfIndices, int]:
        """Return indices and cdf indices in coding order, and the trellis state after the last."""


class Coding:
    """The passes of one picture or tile at one quality: what `run` calls for each Code step.

    deployed    the quantizer of passes that are not rounded
    parameters  of that quantizer: at a quality, or for a stream's step
    coder       codes each pass
    values      where means, log scales and decoded variables are
    skipped     blocks in which all variables are 0, and nothing is coded
    """

    def __init__(
        self,
        model: Model,
        deployed: DeployedQuantizer,
        parameters: QuantizerParameters,
        quality: float,
        values: Arrays,
        coder: PassCoder,
        skipped: Skipped | None = None,
    ) -> None:
        self.model, self.deployed, self.parameters = model, deployed, parameters
        self.quality, self.values, self.coder, self.skipped = quality, values, coder, skipped
        self.state = 0
        self._decoded: dict[tuple[str, int, int], Decoded] = {}  # of the channels of the latest pass

    def __call__(self, step: Code) -> None:
        """Code one pass, and put what is decoded into its variable."""
        planes = self.values.by_name[step.variable][step.channels]
        rounds = step.is_rounded
        parameters = rounding_parameters(self.deployed.tables_of(step.tables)) if rounds else self.parameters
        states, state = (ONE_STATE, 0) if rounds else (self.deployed.states, self.state)
        levels = ABOUT_MEANS if rounds else self.deployed.quantizer.levels
        at = Pass.of(step, *self.predictions(step, planes.shape), parameters.step, state, planes)
        at = at._replace(
            parameters=levels.place(at.parameters, parameters.step), correction=self._correction(at, planes, parameters)
        )
        indices, cdf_indices, state = self.coder(at, states, parameters)
        at.put(levels.values(indices, cdf_indices, at.parameters.means, parameters.offsets, parameters.step), planes)
        self.values.coded(step)
        if not rounds:
            self.state = state

    def _correction(self, at: Pass, planes: Floats, parameters: QuantizerParameters) -> Correction | None:
        """Return how scale indices of a pass are corrected; a quantizer with levels of its own has no such tables."""
        if not at.step.correction or self.deployed.quantizer.fixed:
            return None
        key = at.step.variable, at.step.start, at.step.stop
        if key not in self._decoded:
            self._decoded = {key: Decoded(*planes.shape)}
        return self._decoded[key].correction(at.step.correction, parameters.tables, at.positions)

    def predictions(self, step: Code, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        """Return means and natural log scales of a pass's planes. Raises DamagedModel."""
        known = self.values.by_name
        means = known[step.mean] if step.mean else np.zeros(shape, np.float32)
        if step.log_scale in known:
            log_scales = known[step.log_scale]
        else:
            channels = self.model.schedule.variables[step.variable].channels
            scales = self.model.log_scales(step.log_scale, self.quality, channels)[step.channels]
            scales = np.maximum(scales, SMALLEST_Z_SCALE)
            log_scales = np.ascontiguousarray(np.broadcast_to(scales[:, None, None], shape))
        if not (means.shape == log_scales.shape == shape and means.dtype == log_scales.dtype == np.float32):
            raise DamagedModel(
                f"model {self.model.name}: predictions of {step.variable} are {means.shape}, not {shape}"
            )
        if self.skipped is not None:
            nothing = skipped_positions(self.skipped, shape[1])
            return np.where(nothing, np.float32(0), means), np.where(nothing, NOTHING, log_scales)
        return means, log_scales


def skipped_positions(skipped: Skipped, height: int) -> npt.NDArray[np.bool_]:
    """Return which positions of planes of a height lie in skipped blocks, bool (height, width)."""
    times = height // skipped.shape[0]
    return skipped.repeat(times, axis=0).repeat(times, axis=1) == 1


def rounding_parameters(tables: Tables) -> QuantizerParameters:
    """Return the parameters of a pass that is plainly rounded."""
    return QuantizerParameters(tables, no_offsets(1), ONE, 0.0)


def empty_variables(model: Model, height: int, width: int) -> dict[str, Floats]:
    """Return zeros for all that a model codes of a picture whose sides, in pixels, are multiples of its stride."""
    return {
        name: np.zeros((one.channels, height // one.stride, width // one.stride), np.float32)
        for name, one in model.schedule.variables.items()
    }


def scalar(quality: float) -> Floats:
    """Return a quality, 0 to 1, as graphs take it: float32 (1, 1, 1)."""
    return np.full((1, 1, 1), quality, np.float32)
