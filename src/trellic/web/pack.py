"""Model → decoder half: what the decoder in web/decoder reads of a model, as small as a browser should fetch it.

Names become numbers, weights keep their precision, and only the tables that a quantizer uses stay. Values are laid in
planes, all lower bytes of an array before all upper ones, which zlib then compresses. `web/decoder/model.h` reads it.
"""

import zlib
from collections.abc import Iterable, Mapping

from trellic.codec.deployed import DeployedQuantizer
from trellic.container.bytes import varint
from trellic.container.grid import STRIDE
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import BadRequest
from trellic.model import Model
from trellic.model.schedule import Code, Run, parse_reference
from trellic.quantize import QUANTIZERS
from trellic.web.operations import Arrays, pack_graph, planes_of

MAGIC = b"TLH\1"


def pack_decoder(model: Model) -> bytes:
    """Return a model's decoder half, zlib data. Raises BadRequest where no browser could decode with the model."""
    arrays = Arrays(model.file.arrays["decoder"])
    slots = _slots(model)
    names = model.schedule.graphs
    graphs = [pack_graph(model.file.graphs["decoder"][name], arrays) for name in names]
    steps = [_pack_step(step, slots, names, arrays) for step in (*model.schedule.code, *model.schedule.decode)]
    quantizers, planes = _pack_quantizers(model)
    parts = [
        MAGIC, model.sha256, varint(model.margin), varint(len(slots)), _pack_variables(model),
        varint(slots["y"]), varint(slots["pixels"]), arrays.shapes(), _many(graphs),
        varint(len(model.schedule.code)), _many(steps), quantizers, planes, arrays.planes(),
    ]  # fmt: skip
    return zlib.compress(b"".join(parts), 9)


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


def _pack_step(step: Run | Code, slots: Mapping[str, int], graphs: tuple[str, ...], arrays: Arrays) -> bytes:
    if isinstance(step, Run):
        references = [parse_reference(text) for text in step.reads]
        reads = [varint(slots[name]) + varint(start) + varint(stop or 0) for name, start, stop in references]
        writes = [varint(slots[name]) for name in step.writes]
        return b"".join([varint(0), varint(graphs.index(step.graph)), *reads, *writes])
    if step.layer:
        raise BadRequest("layers cannot be decoded in a browser yet")
    mask = varint(len(step.mask)) + varint(len(step.mask[0])) + bytes(int(cell) for row in step.mask for cell in row)
    scales = varint(slots.get(step.log_scale, 0))
    if step.log_scale not in slots:
        scales += varint(arrays.number(step.log_scale))
    return b"".join([
        varint(1), varint(slots[step.variable]), varint(step.start), varint(step.stop), mask,
        varint(slots[step.mean] if step.mean else 0), scales, varint(step.quantizer == "rounding"),
    ])  # fmt: skip


def _pack_quantizers(model: Model) -> tuple[bytes, bytes]:
    """Return what the model has for each quantizer, and the planes of all tables and offsets."""
    tables: dict[bytes, int] = {}
    offsets: dict[bytes, int] = {}
    z = planes_of(model.z_tables.frequency.astype("<u2"))
    tables[z] = 0
    entries = []
    for quantizer in QUANTIZERS:
        deployed = DeployedQuantizer.of(model, quantizer)
        frequencies = planes_of(deployed.tables.frequency.astype("<u2"))
        moves = planes_of(deployed.offsets.astype("<i2"))
        own = [tables.setdefault(frequencies, len(tables)), 0]
        if any(moves):
            own[1] = offsets.setdefault(moves, len(offsets)) + 1
        points = [
            varint(round(point.quality * HIGHEST_QUALITY)) + varint(round(point.step))
            for point in deployed.operating_points
        ]
        entries.append(b"".join([varint(quantizer.number), *map(varint, own), _many(points)]))
    counts = [_many(varint(len(planes) // 2) for planes in kind) for kind in (tables, offsets)]
    return b"".join([*counts, varint(len(entries)), varint(0), *entries]), b"".join([*tables, *offsets])
