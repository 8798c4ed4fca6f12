"""The order of coding as a value: steps that a model's card lists and one interpreter follows.

Two kinds of step are enough: *run* a graph, and *code* a pass. The encoder, the decoder, table fitting, verification
and training all follow the same list (`trellic.codec.coding.run`); a new prior is a new list.
"""

import re
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

from trellic.entropy.correction import LARGEST_WEIGHT, WEIGHTS

Mask = tuple[str, ...]
"""A periodic pattern of positions: rows of "1" (in the pass) and "0", repeated to the right and below."""

ALL: Mask = ("1",)
ANCHORS: Mask = ("10", "01")
NON_ANCHORS: Mask = ("01", "10")

DEPLOYED_TABLES = "y"
"""Names the tables of the deployed quantizer."""
DEPLOYED, ROUNDING = "deployed", "rounding"
"""What a pass in a file says of its quantizer, beside its tables."""
LONGEST_PERIOD = 8
MOST_STEPS = 1 << 10
MOST_CHANNELS = 1 << 12
LARGEST_STRIDE = 256
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_REFERENCE = re.compile(rf"({_NAME.pattern})(?:\[([0-9]{{1,4}}):([0-9]{{1,4}})\])?")


class Reference(NamedTuple):
    """A variable, or the channels from `start` up to `stop` of it."""

    name: str
    start: int = 0
    stop: int | None = None


def parse_reference(text: str) -> Reference:
    """Return what "features" or "y[0:112]" refers to. Raises ValueError."""
    match = _REFERENCE.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no variable")
    if match[2] is None:
        return Reference(match[1])
    start, stop = int(match[2]), int(match[3])
    if not start < stop:
        raise ValueError(f"{text!r} has no channels")
    return Reference(match[1], start, stop)


@dataclass(frozen=True)
class Variable:
    """What is coded: its channels, and how many pixels lie between neighbouring positions."""

    channels: int
    stride: int


@dataclass(frozen=True)
class Run:
    """Run a graph on variables, or channels of them, and keep its outputs as variables."""

    graph: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Code a pass: the channels from `start` up to `stop` of a variable, at the positions of a mask.

    mean        variable that holds the means; empty for zero
    log_scale   variable that holds natural log scales, or an array of the model, (2, channels), affine in quality
    tables      DEPLOYED_TABLES, those of the quantizer that the stream names; else the model's, for what is rounded
    correction  weights by which scale indices follow what was decoded (`entropy/correction.py`); () where they do not
    """

    variable: str
    start: int
    stop: int
    mask: Mask
    mean: str
    log_scale: str
    tables: str = DEPLOYED_TABLES
    correction: tuple[int, ...] = ()

    @property
    def is_rounded(self) -> bool:
        """Whether it is rounded, and no quantizer deployed."""
        return self.tables != DEPLOYED_TABLES

    @property
    def channels(self) -> slice:
        """The channels as a slice."""
        return slice(self.start, self.stop)


Step = Run | Code


@dataclass(frozen=True)
class Schedule:
    """All steps of a model.

    variables  what is coded, by name
    encode     from "picture" and "quality" to the variables, before they are quantized; the encoder's alone
    code       coding, in order, from "quality" to the decoded variables
    decode     from the decoded variables and "quality" to "pixels"
    """

    variables: dict[str, Variable]
    encode: tuple[Run, ...]
    code: tuple[Step, ...]
    decode: tuple[Run, ...]

    def __post_init__(self) -> None:
        _check(self)

    @property
    def passes(self) -> tuple[Code, ...]:
        """The coding passes in order."""
        return tuple(step for step in self.code if isinstance(step, Code))

    @property
    def rounded_tables(self) -> tuple[str, ...]:
        """The names of the tables of passes that are rounded, in order."""
        return tuple(dict.fromkeys(step.tables for step in self.passes if step.is_rounded))

    @property
    def groups(self) -> tuple[Code, ...]:
        """The last pass of each group of channels that the deployed quantizer codes, in order."""
        passes = [step for step in self.passes if not step.is_rounded]
        return tuple({(step.variable, step.start, step.stop): step for step in passes}.values())

    def through(self, groups: int | None, half: bool = False) -> tuple[Step, ...]:
        """Return the steps of coding through the last pass of so many groups, or the first of the last one's passes.

        None is for all groups. 0 ends before the first of their passes.
        """
        if groups is None:
            return self.code
        if groups == 0:
            return self.code[: self.code.index(next(step for step in self.passes if not step.is_rounded))]
        last = self.groups[groups - 1]
        if half:
            own = (last.variable, last.start, last.stop)
            last = next(step for step in self.passes if (step.variable, step.start, step.stop) == own)
        return self.code[: self.code.index(last) + 1]

    @cached_property
    def live(self) -> dict[Step, set[str]]:
        """What is read after each step of coding, before it is written again: by later steps, or when it is decoded."""
        always, found = {"quality", *self.variables}, dict[Step, set[str]]()
        live = always
        for step in reversed(self.code):
            found[step] = found.get(step, set()) | live
            if isinstance(step, Run):
                live = live - {*step.writes} | {parse_reference(text).name for text in step.reads} | always
            else:
                live = live | {step.mean, step.log_scale}
        return found

    @property
    def again(self) -> tuple[Step, ...]:
        """The steps of coding whose results change with the latents: all but rounded passes, and what reads only these.

        A step whose outputs another one replaces is among them.
        """
        fixed = {"quality", *(step.variable for step in self.passes if step.is_rounded)}
        writers = Counter(name for step in self.code if isinstance(step, Run) for name in step.writes)
        steps: list[Step] = []
        for step in self.code:
            if isinstance(step, Code):
                once = step.is_rounded
            else:
                once = fixed.issuperset(parse_reference(text).name for text in step.reads)
                once = once and all(writers[name] == 1 for name in step.writes)
                fixed.update(step.writes if once else ())
            if not once:
                steps.append(step)
        return tuple(steps)

    @property
    def anew(self) -> tuple[Step, ...]:
        """The steps of coding but rounded passes: what other networks begin with."""
        return tuple(step for step in self.code if isinstance(step, Run) or not step.is_rounded)

    @cached_property
    def predictors(self) -> dict[str, tuple[int, ...]]:
        """The graphs of coding that see y, or what depends on it, each with the numbers of those of its inputs.

        Raises ValueError where one sees channels of what depends on y.
        """
        changing, found = {"y"}, dict[str, tuple[int, ...]]()
        for step in self.code:
            if isinstance(step, Run):
                read = [parse_reference(text) for text in step.reads]
                numbers = [number for number, one in enumerate(read) if one.name in changing]
                if any(read[number].stop is not None and read[number].name != "y" for number in numbers):
                    raise ValueError(f"graph {step.graph} reads channels of what depends on y")
                changing = changing | {*step.writes} if numbers else changing - {*step.writes}
                found[step.graph] = tuple(sorted({*numbers, *found.get(step.graph, ())}))
        return {graph: numbers for graph, numbers in found.items() if numbers}

    @property
    def stride(self) -> int:
        """Pictures are extended to multiples of this, in pixels."""
        return max(variable.stride for variable in self.variables.values())

    @property
    def entropy_graphs(self) -> tuple[str, ...]:
        """The names of the graphs between bytes and table indices, in order."""
        return tuple(dict.fromkeys(step.graph for step in self.code if isinstance(step, Run)))

    @property
    def graphs(self) -> tuple[str, ...]:
        """The names of all graphs that a decoder runs."""
        return tuple(dict.fromkeys((*self.entropy_graphs, *(step.graph for step in self.decode))))

    def to_json(self) -> dict[str, Any]:
        """Return the schedule as plain JSON values."""
        return {
            "variables": {name: asdict(variable) for name, variable in self.variables.items()},
            **{part: [_step_to_json(step) for step in getattr(self, part)] for part in ("encode", "code", "decode")},
        }

    @classmethod
    def from_json(cls, values: Any) -> "Schedule":
        """Return the schedule that `to_json` described. Raises ValueError."""
        try:
            variables = {str(name): Variable(**entry) for name, entry in values["variables"].items()}
            parts = {part: tuple(map(_step_from_json, values[part])) for part in ("encode", "code", "decode")}
            return cls(variables, **parts)  # type: ignore[arg-type]
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"the schedule cannot be read ({error})") from error


def _step_to_json(step: Step) -> dict[str, Any]:
    if isinstance(step, Run):
        return {"run": step.graph, "reads": list(step.reads), "writes": list(step.writes)}
    values = asdict(step)
    correction = {"correction": list(weights)} if (weights := values.pop("correction")) else {}
    quantizer = ROUNDING if step.is_rounded else DEPLOYED
    return {"code": values.pop("variable"), **values, "quantizer": quantizer, "mask": list(step.mask), **correction}


def _step_from_json(values: dict[str, Any]) -> Step:
    if "run" in values:
        return Run(str(values["run"]), tuple(map(str, values["reads"])), tuple(map(str, values["writes"])))
    special = {"code", "mask", "quantizer", "layer", "correction"}
    rest = {name: value for name, value in values.items() if name not in special}
    mask, weights = tuple(map(str, values["mask"])), tuple(values.get("correction", ()))
    step = Code(variable=values["code"], mask=mask, correction=weights, **rest)
    if values["quantizer"] != (ROUNDING if step.is_rounded else DEPLOYED) or values.get("layer", 0) != 0:
        raise ValueError(f"a pass of tables {step.tables!r} has an impossible quantizer or layer")
    return step


def _check(schedule: Schedule) -> None:
    """Raise ValueError where a schedule cannot be followed: hostile models are refused before anything runs."""
    strides = [variable.stride for variable in schedule.variables.values()]
    counts = [variable.channels for variable in schedule.variables.values()]
    if not strides or not all(type(number) is int and number > 0 for number in (*strides, *counts)):
        raise ValueError("the schedule's variables are impossible")
    if max(counts) > MOST_CHANNELS or max(strides) > LARGEST_STRIDE or any(max(strides) % one for one in strides):
        raise ValueError("the schedule's variables are impossible")
    if len(schedule.encode) + len(schedule.code) + len(schedule.decode) > MOST_STEPS:
        raise ValueError(f"the schedule has more than {MOST_STEPS} steps")
    if not all(isinstance(step, Run) for step in (*schedule.encode, *schedule.decode)):
        raise ValueError("only the coding part of a schedule has passes")
    known = {"quality", *schedule.variables}  # variables are zero until they are coded
    covered: dict[str, list[str]] = {}
    for step in schedule.code:
        if isinstance(step, Run):
            _check_reads(step, known)
            known |= set(step.writes)
        else:
            _check_pass(step, schedule, known)
            covered.setdefault(step.variable, []).append(f"{step.start}:{step.stop}")
    _check_reads_of(schedule.encode, {"picture", "quality"})
    _check_reads_of(schedule.decode, {"quality", *covered})
    if set(covered) != set(schedule.variables):
        raise ValueError("the schedule does not code every variable")


def _check_reads_of(steps: tuple[Run, ...], known: set[str]) -> None:
    for step in steps:
        _check_reads(step, known)
        known |= set(step.writes)


def _check_reads(step: Run, known: set[str]) -> None:
    if unknown := {parse_reference(text).name for text in step.reads} - known:
        raise ValueError(f"graph {step.graph} reads {sorted(unknown)[0]}, which is not there yet")


def _check_pass(step: Code, schedule: Schedule, known: set[str]) -> None:
    variable = schedule.variables.get(step.variable)
    if variable is None or not 0 <= step.start < step.stop <= variable.channels:
        raise ValueError(f"a pass codes channels {step.start} to {step.stop} of {step.variable}")
    widths = {len(row) for row in step.mask}
    if len(widths) != 1 or not 1 <= len(step.mask) <= LONGEST_PERIOD or not 1 <= widths.copy().pop() <= LONGEST_PERIOD:
        raise ValueError(f"the mask {step.mask} is no pattern")
    if set("".join(step.mask)) - {"0", "1"} or "1" not in "".join(step.mask):
        raise ValueError(f"the mask {step.mask} is no pattern")
    if step.mean and step.mean not in known:
        raise ValueError(f"a pass reads {step.mean}, which is not there yet")
    if step.correction and not (
        not step.is_rounded
        and len(step.correction) == WEIGHTS
        and all(type(one) is int and abs(one) <= LARGEST_WEIGHT for one in step.correction)
    ):
        raise ValueError(f"a pass cannot be corrected by {step.correction}")
    if not _NAME.fullmatch(step.tables):
        raise ValueError(f"a pass has impossible tables {step.tables!r}")
