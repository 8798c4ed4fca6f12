"""A network's operations in binary, as web/decoder/model.h reads them: numbers for names, attributes in a fixed order.

What that decoder cannot run is refused here: everything but pictures of [1, channels, height, width].
"""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.container.bytes import varint
from trellic.errors import BadRequest
from trellic.model.arrays import Arrays as NamedArrays
from trellic.model.eight_bits import EightBits
from trellic.model.graph import Graph, Operation

KINDS = (
    "", "Abs", "Add", "Cast", "Clip", "Concat", "Conv", "ConvTranspose", "DepthToSpace", "Div", "Exp", "LeakyRelu",
    "Log", "Max", "Min", "Mul", "Neg", "Pad", "Relu", "Round", "Sign", "Split", "Sqrt", "Sub",
)  # fmt: skip
"""Operations by number; the first does nothing."""
PADDINGS = ("constant", "edge", "reflect")
SINGLE, HALF, EIGHT_BITS = range(3)
"""How an array is kept: float32, float16, or integers of eight bits and the step of each row in float16."""


class Arrays:
    """The arrays that networks read, numbered as they are asked for; constants of networks among them."""

    def __init__(self, named: NamedArrays) -> None:
        self._named = named
        self._numbers: dict[str | tuple[float, ...], int] = {}
        self._values: list[npt.NDArray[Any] | EightBits] = []

    def number(self, name: str) -> int:
        """Return the number of a model's array. Raises BadRequest."""
        if name not in self._named:
            raise BadRequest(f"array {name} is missing")
        return self._keep(name, self._named[name])

    def constant(self, values: npt.NDArray[Any]) -> int:
        """Return the number of a constant."""
        return self._keep((*values.shape, *values.ravel().tolist()), values.astype(np.float32))

    def _keep(self, key: str | tuple[float, ...], values: npt.NDArray[Any]) -> int:
        if key not in self._numbers:
            if values.ndim > 4 or values.dtype not in (np.float16, np.float32):
                raise BadRequest(f"an array of {values.dtype} {values.shape} cannot be read in a browser")
            narrow = EightBits.of(values) if values.ndim == 4 else None
            self._numbers[key] = len(self._values)
            self._values.append(narrow or values)
        return self._numbers[key]

    def shapes(self) -> bytes:
        """Return type and shape of each, four sides."""
        parts = [varint(len(self._values))]
        for values in self._values:
            if isinstance(values, EightBits):
                kind, shape = EIGHT_BITS, values.counts.shape
            else:
                kind, shape = HALF if values.dtype == np.float16 else SINGLE, values.shape
            parts += [varint(kind), *map(varint, (1,) * (4 - len(shape)) + shape)]
        return b"".join(parts)

    def planes(self) -> bytes:
        """Return the values of all, in planes of bytes."""
        parts: list[npt.NDArray[Any]] = []
        for values in self._values:
            parts += [values.counts, values.steps] if isinstance(values, EightBits) else [values]
        return b"".join(planes_of(values.astype(values.dtype.newbyteorder("<"))) for values in parts)


def planes_of(values: npt.NDArray[Any]) -> bytes:
    """Return little-endian values with all their first bytes, then all their second ones, and so on."""
    return values.reshape(-1, 1).view(np.uint8).T.tobytes()


def pack_graph(graph: Graph, arrays: Arrays) -> bytes:
    """Return a network: its inputs, operations and outputs. Raises BadRequest."""
    values = {name: number for number, name in enumerate(graph.inputs)}

    def ref(name: str) -> bytes:
        if not name:
            return varint(0)
        if name in values:
            return varint(2 * values[name] + 2)
        number = arrays.number(graph.weights[name]) if name in graph.weights else arrays.constant(graph.constants[name])
        return varint(2 * number + 1)

    parts = [varint(len(graph.inputs)), varint(len(graph.operations))]
    for one in graph.operations:
        reads = _reads(one)
        parts += [varint(KINDS.index(one.kind)), varint(len(reads)), *map(ref, reads), varint(len(one.writes))]
        for name in one.writes:
            values[name] = len(values)
        parts.append(_attributes(one, graph))
    return b"".join([*parts, varint(len(graph.outputs)), *map(ref, graph.outputs)])


def _reads(one: Operation) -> tuple[str, ...]:
    """Return what an operation reads beside what its attributes say."""
    if one.kind in {"Pad", "Split"}:
        return one.reads[:1]
    return one.reads + ("",) * (3 - len(one.reads)) if one.kind == "Clip" else one.reads


def _attributes(one: Operation, graph: Graph) -> bytes:
    pack = _PACKED.get(one.kind)
    try:
        return pack(one, graph) if pack else b""
    except (KeyError, IndexError, ValueError) as error:
        raise BadRequest(f"operation {one.kind} with {one.attributes} cannot be run in a browser") from error


def _numbers(*values: int) -> bytes:
    return b"".join(varint(int(value)) for value in values)


def _pair(one: Operation, name: str, default: int) -> list[int]:
    first, second = one.attributes.get(name, [default, default])
    return [first, second]


def _pads(one: Operation) -> list[int]:
    top, left, bottom, right = one.attributes.get("pads", [0, 0, 0, 0])
    return [top, left, bottom, right]


def _conv(one: Operation, graph: Graph) -> bytes:
    group, strides, dilations = one.attributes.get("group", 1), _pair(one, "strides", 1), _pair(one, "dilations", 1)
    return _numbers(group, *_pads(one), *strides, *dilations)


def _conv_transpose(one: Operation, graph: Graph) -> bytes:
    return _numbers(*_pads(one), *_pair(one, "strides", 1), *_pair(one, "output_padding", 0))


def _depth_to_space(one: Operation, graph: Graph) -> bytes:
    return _numbers(one.attributes["blocksize"], one.attributes.get("mode", "DCR") == "CRD")


def _pad(one: Operation, graph: Graph) -> bytes:
    amounts = graph.constants[one.reads[1]].tolist()
    if len(one.reads) > 2 and any(one.reads[2:]):
        raise ValueError(one.reads)
    before, after = amounts[:4], amounts[4:]
    if len(after) != 4 or before[:2] != [0, 0] or after[:2] != [0, 0] or min(amounts) < 0:
        raise ValueError(amounts)
    return _numbers(PADDINGS.index(one.attributes.get("mode", "constant")), *before[2:], *after[2:])


def _along_channels(one: Operation, graph: Graph) -> bytes:
    if one.attributes.get("axis") != 1 or (one.kind == "Split" and len(one.reads) > 1):
        raise ValueError(one.attributes)
    return b""


_PACKED: dict[str, Callable[[Operation, Graph], bytes]] = {
    "Cast": lambda one, graph: _numbers(one.attributes["to"]),
    "Concat": _along_channels,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _depth_to_space,
    "LeakyRelu": lambda one, graph: struct.pack("<f", one.attributes.get("alpha", 0.01)),
    "Pad": _pad,
    "Split": _along_channels,
}
