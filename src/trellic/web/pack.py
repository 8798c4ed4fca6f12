"""Model → decoder half: what the decoder in web/decoder reads of a model, as small as a browser should fetch it.

Names become numbers, weights keep their precision, and only the tables that a quantizer uses stay. Values are laid in
planes, all lower bytes of an array before all upper ones, which zlib then compresses. `web/decoder/model.h` reads it.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy.typing as npt

from trellic.codec.deployed import DeployedQuantizer
from trellic.container.bytes import varint
from trellic.container.grid import STRIDE
from trellic.container.header import HASH_BYTES, HIGHEST_QUALITY
from trellic.entropy.correction import LARGEST_WEIGHT
from trellic.errors import BadRequest
from trellic.model import Model
from trellic.model.adapter import Adapter
from trellic.model.schedule import Code, Run, parse_reference
from trellic.quantize import LATTICE, NESTED, QUANTIZERS
from trellic.web.operations import Arrays, pack_graph, planes_of

MAGIC = b"TLH\2"


def pack_decoder(base: Model, adapter: Adapter | None = None) -> bytes:
    """Return a model's decoder half, with an adapter merged where one is given, zlib data.

    Raises BadRequest where no browser could decode with the model, or what `Adapter.attach_to` raises.
    """
    model = adapter.attach_to(base) if adapter else base
    name = varint(1) + adapter.sha256[:HASH_BYTES] if adapter else varint(0)
    arrays, tables, offsets = Arrays(model.file.arrays["decoder"]), Planes(), Planes()
    slots = _slots(model)
    names = model.schedule.graphs
    graphs = [pack_graph(model.file.graphs["decoder"][name], arrays) for name in names]
    rounded = {name: tables.number(each.frequency) for name, each in model.rounded_tables.items()}
    steps = [
        _pack_run(step, slots, names) if isinstance(step, Run) else _pack_pass(step, slots, arrays, rounded)
        for step in (*model.schedule.code, *model.schedule.decode)
    ]
    deployed = [DeployedQuantizer.of(model, each) for each in (*QUANTIZERS, LATTICE, NESTED)]
    quantizers = [_pack_quantizer(each, tables, offsets) for each in deployed]
    parts = [
        MAGIC, model.sha256, name, varint(model.margin), varint(len(slots)), _pack_variables(model),
        varint(slots["y"]), varint(slots["pixels"]), arrays.shapes(), _many(graphs),
        varint(len(model.schedule.code)), _many(steps), tables.counts(), offsets.counts(), _many(quantizers),
        tables.planes(), offsets.planes(), arrays.planes(),
    ]  # fmt: skip
    return zlib.compress(b"".join(parts), 9)


class Planes:
    """Sets of numbers of 16 bits, each kept once: tables and offsets that several quantizers share."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def number(self, values: npt.NDArray[Any]) -> int:
        """Return the number of a set."""
        return self._numbers.setdefault(planes_of(values.astype("<u2")), len(self._numbers))

    def counts(self) -> bytes:
        """Return how many values each set has."""
        return _many(varint(len(planes) // 2) for planes in self._numbers)

    def planes(self) -> bytes:
        """Return all values, in planes of bytes."""
        return b"".join(self._numbers)


def _many(parts: Iterable[bytes]) -> bytes:
    """Return parts after their number."""
    listed = list(parts)
    return varint(len(listed)) + b"".join(listed)


def _slots(model: Model) -> dict[str, int]:
    """Return the number of each variable: the quality, those that are coded, then what networks write."""
    schedule = model.schedule
    runs = [step for step in (*schedule.code, *schedule.decode) if isinstance(step, Run)]
    names = ["quality", *schedule.variables, *(name for step in runs for name in step.writes)]
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _pack_variables(model: Model) -> bytes:
    variables = model.schedule.variables.values()
    if any(STRIDE % one.stride for one in variables):
        raise BadRequest(f"model {model.name} has variables whose stride does not divide {STRIDE} pixels")
    return _many(varint(one.channels) + varint(one.stride) for one in variables)


def _pack_run(step: Run, slots: Mapping[str, int], graphs: Sequence[str]) -> bytes:
    references = [parse_reference(text) for text in step.reads]
    reads = [varint(slots[name]) + varint(start) + varint(stop or 0) for name, start, stop in references]
    return b"".join(
        [varint(0), varint(graphs.index(step.graph)), *reads, *(varint(slots[name]) for name in step.writes)]
    )


def _pack_pass(step: Code, slots: Mapping[str, int], arrays: Arrays, rounded: Mapping[str, int]) -> bytes:
    mask = varint(len(step.mask)) + varint(len(step.mask[0])) + bytes(int(cell) for row in step.mask for cell in row)
    scales = (
        varint(slots[step.log_scale]) if step.log_scale in slots else varint(0) + varint(arrays.number(step.log_scale))
    )
    weights = [varint(weight + LARGEST_WEIGHT) for weight in step.correction]
    return b"".join([
        varint(1), varint(slots[step.variable]), varint(step.start), varint(step.stop), mask,
        varint(slots[step.mean] if step.mean else 0), scales,
        varint(rounded[step.tables] + 1 if step.is_rounded else 0),
        varint(1 if weights else 0), *weights,
    ])  # fmt: skip


def _pack_quantizer(deployed: DeployedQuantizer, tables: Planes, offsets: Planes) -> bytes:
    """Return a quantizer's number, its tables, its offsets where they move anything, and its operating points."""
    moves = offsets.number(deployed.offsets) + 1 if deployed.offsets.any() else 0
    points = [(round(point.quality * HIGHEST_QUALITY), round(point.step)) for point in deployed.operating_points]
    own = tables.number(deployed.tables.frequency)
    listed = _many(varint(quality) + varint(step) for quality, step in points)
    return b"".join([varint(deployed.quantizer.number), varint(own), varint(moves), listed])
