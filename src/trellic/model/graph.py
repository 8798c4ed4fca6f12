"""A network as a list of operations: plain data that any decoder can read, and what onnxruntime makes of it.

A graph names its inputs, its outputs, and operations of a fixed set with bounded attributes. There are no subgraphs, no
loops, and no references to files: a hostile model can be slow or wrong, and no more. Weights lie apart, by name.
Source of the operations' meaning: ONNX, operator set 18.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.model.arrays import Arrays

OPERATOR_SET, IR_VERSION = 18, 9
FLOAT, UINT8, INT64 = 1, 2, 7
MOST_OPERATIONS = 1 << 12
LARGEST_ATTRIBUTE = 1 << 12
LARGEST_PADDING = 64
LARGEST_ENLARGEMENT = 64
"""Largest product of the strides of all transposed convolutions and block sizes of a graph."""
MOST_CHANNELS, MOST_VALUES = 1 << 12, 1 << 16
"""Values at a position of an input, and of what follows from it, at most."""
OPERATIONS: dict[str, dict[str, int]] = {
    "Abs": {}, "Add": {}, "Clip": {}, "Div": {}, "Exp": {}, "Log": {}, "Max": {}, "Min": {}, "Mul": {}, "Neg": {},
    "Relu": {}, "Round": {}, "Sign": {}, "Sqrt": {}, "Sub": {},
    "Cast": {"to": 16, "saturate": 1},
    "Concat": {"axis": 1},
    "Conv": {"dilations": 16, "group": 4096, "kernel_shape": 64, "pads": 64, "strides": 16},
    "ConvTranspose": {"dilations": 1, "group": 1, "kernel_shape": 64, "output_padding": 16, "pads": 64, "strides": 16},
    "DepthToSpace": {"blocksize": 16},
    "LeakyRelu": {"alpha": 1},
    "Pad": {},
    "Split": {"axis": 1, "num_outputs": 8},
}  # fmt: skip
"""What may occur in a graph, with the largest magnitude of each numeric attribute."""
LISTS = {"dilations", "kernel_shape", "output_padding", "pads", "strides"}
"""Attributes that are lists of numbers; others are one."""
WORDS = {"mode": {"DCR", "CRD", "reflect", "edge", "constant"}, "auto_pad": {"NOTSET"}}
"""Attributes that are words, and their allowed values."""


@dataclass(frozen=True)
class Operation:
    """One operation: its kind, the names it reads ("" for an input that is omitted) and writes, its attributes."""

    kind: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """A network.

    inputs      names, in the order of arguments; float32 (1, C, H, W), sides free
    outputs     names, in order; float32, or uint8 where `pixels`
    weights     name in the graph → name of the model's array
    constants   small arrays that are part of the graph: name → (type, shape, values)
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operations: tuple[Operation, ...]
    weights: dict[str, str]
    constants: dict[str, npt.NDArray[Any]]
    pixels: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the graph as plain JSON values."""
        return {
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "pixels": self.pixels,
            "weights": self.weights,
            "constants": {
                name: {"type": values.dtype.name, "shape": list(values.shape), "values": values.ravel().tolist()}
                for name, values in self.constants.items()
            },
            "operations": [[one.kind, list(one.reads), list(one.writes), one.attributes] for one in self.operations],
        }

    @classmethod
    def from_json(cls, values: Any) -> "Graph":
        """Return the graph that `to_json` described. Raises ValueError for all but plain operations."""
        try:
            operations = tuple(_operation(*entry) for entry in values["operations"])
            constants = {str(name): _constant(**entry) for name, entry in values["constants"].items()}
            weights = {str(name): str(array) for name, array in values["weights"].items()}
            inputs, outputs = (tuple(map(str, values[key])) for key in ("inputs", "outputs"))
            pixels = bool(values["pixels"])
        except (TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ValueError(f"a graph cannot be read ({error})") from error
        if len(operations) > MOST_OPERATIONS:
            raise ValueError(f"a graph has more than {MOST_OPERATIONS} operations")
        _check_growth(operations, constants)
        _check_types(operations, constants)
        return cls(inputs, outputs, operations, weights, constants, pixels)

    def to_onnx(self, arrays: Arrays) -> bytes:
        """Return the ONNX model, weights widened to float32. Raises ValueError where a weight is missing."""
        tensors = dict(self.constants)
        for name, array in self.weights.items():
            if array not in arrays:
                raise ValueError(f"weights {array} are missing")
            values = arrays[array]
            if values.dtype.kind != "f":
                raise ValueError(f"weights {array} are integers")
            tensors[name] = values.astype(np.float32) if values.dtype == np.float16 else values
        _check_channels(self, tensors)
        body = b"".join([
            *(_field(1, _node(operation)) for operation in self.operations),
            _text(2, "network"),
            *(_field(5, _tensor(name, values)) for name, values in tensors.items()),
            *(_field(11, _value(name, FLOAT)) for name in self.inputs),
            *(_field(12, _value(name, UINT8 if self.pixels else FLOAT)) for name in self.outputs),
        ])  # fmt: skip
        return _integer(1, IR_VERSION) + _field(7, body) + _field(8, _integer(2, OPERATOR_SET))


def _operation(kind: str, reads: list[str], writes: list[str], attributes: dict[str, Any]) -> Operation:
    """Return an operation whose kind and attributes are allowed. Raises ValueError."""
    allowed = OPERATIONS.get(kind)
    if allowed is None:
        raise ValueError(f"operation {kind!r} is not known")
    for name, value in attributes.items():
        numbers = value if isinstance(value, list) else [value]
        if name in WORDS:
            possible = value in WORDS[name]
        else:
            possible = (
                isinstance(value, list) == (name in LISTS)
                and len(numbers) <= 8
                and all(type(number) in {int, float} and abs(number) <= allowed.get(name, -1) for number in numbers)
            )
        if not possible:
            raise ValueError(f"operation {kind} has attribute {name} = {value!r}")
    return Operation(kind, tuple(map(str, reads)), tuple(map(str, writes)), attributes)


def _check_growth(operations: tuple[Operation, ...], constants: Arrays) -> None:
    """Raise ValueError where operations could make far more values than they are given."""
    enlargement = 1
    for one in operations:
        if one.kind == "ConvTranspose":
            enlargement *= max(one.attributes.get("strides", [1]))
        elif one.kind == "DepthToSpace":
            enlargement *= one.attributes.get("blocksize", 1)
        elif one.kind == "Pad":
            amounts = constants.get(one.reads[1]) if len(one.reads) > 1 else None
            if amounts is None or np.abs(amounts).max() > LARGEST_PADDING:
                raise ValueError("a graph pads by too much")
    if enlargement > LARGEST_ENLARGEMENT:
        raise ValueError(f"a graph enlarges its input {enlargement} times")


def _check_types(operations: tuple[Operation, ...], constants: Arrays) -> None:
    """Raise ValueError where an operation computes with integers: dividing them by 0 would end the process."""
    integers = {name for name, values in constants.items() if values.dtype == np.int64}
    for one in operations:
        if integers.intersection(one.reads[:1] if one.kind in {"Pad", "Split"} else one.reads):
            raise ValueError(f"operation {one.kind} computes with integers")
        if one.kind == "Cast" and one.attributes.get("to") != FLOAT:
            if one.attributes.get("to") != UINT8:
                raise ValueError("a graph makes integers that are no samples")
            integers.update(one.writes)


def _check_channels(graph: Graph, tensors: Arrays) -> None:
    """Raise ValueError where an operation could make far more channels than a network has."""
    counts: dict[str, int] = {
        **{name: values.size for name, values in tensors.items()},
        **dict.fromkeys(graph.inputs, MOST_CHANNELS),
    }
    for one in graph.operations:
        try:
            own = [counts[name] for name in one.reads if name]
            if one.kind == "Conv":
                made = int(tensors[one.reads[1]].shape[0])
            elif one.kind == "ConvTranspose":
                made = tensors[one.reads[1]].shape[1] * max(one.attributes.get("strides", [1])) ** 2
            else:
                made = sum(own) if one.kind == "Concat" else max(own)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"operation {one.kind} reads what is not there") from error
        if made > MOST_VALUES:
            raise ValueError(f"operation {one.kind} makes {made} values of one")
        counts.update(dict.fromkeys(one.writes, made))


def _constant(type: str, shape: list[int], values: list[float]) -> npt.NDArray[Any]:
    if type not in {"float32", "int64"} or len(values) > LARGEST_ATTRIBUTE:
        raise ValueError(f"a constant of {len(values)} {type}")
    array = np.array(values, dtype=type).reshape(shape)
    if array.dtype == np.int64 and (np.abs(array) > LARGEST_ATTRIBUTE).any() and set(array.ravel()) - {2**63 - 1}:
        raise ValueError("a constant holds impossible integers")
    return array


# What follows writes protocol buffers, as ONNX defines them: a field is its number and kind, then its value.
def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _field(field, text.encode())


def _node(operation: Operation) -> bytes:
    parts = [_text(1, name) for name in operation.reads] + [_text(2, name) for name in operation.writes]
    parts.append(_text(4, operation.kind))
    parts += [_field(5, _attribute(name, value)) for name, value in operation.attributes.items()]
    return b"".join(parts)


def _attribute(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _integer(20, 3)
    if isinstance(value, float):
        return _text(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _integer(20, 1)
    if isinstance(value, int):
        return _text(1, name) + _integer(3, value) + _integer(20, 2)
    return _text(1, name) + b"".join(_integer(8, int(number)) for number in value) + _integer(20, 7)


def _tensor(name: str, values: npt.NDArray[Any]) -> bytes:
    kind = INT64 if values.dtype == np.int64 else FLOAT
    dims = b"".join(_integer(1, side) for side in values.shape)
    data = values.astype("<i8" if kind == INT64 else "<f4").tobytes()
    return dims + _integer(2, kind) + _text(8, name) + _field(9, data)


def _value(name: str, kind: int) -> bytes:
    """Return the description of an input or output of four dimensions, none of them stated."""
    shape = b"".join(_field(1, _text(2, f"{name}_{axis}")) for axis in range(4))
    return _text(1, name) + _field(2, _field(1, _integer(1, kind) + _field(2, shape)))
