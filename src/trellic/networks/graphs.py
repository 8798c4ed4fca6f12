"""A torch network → a graph of plain operations, by writing down what it computes on an example.

A network runs once while every operation on tensors is recorded; what depends on no input is an array of the graph. It
runs again on a larger example, and must do the same: operations that follow from the example's size are refused.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from trellic.errors import BadConfig
from trellic.model.arrays import Arrays
from trellic.model.graph import UINT8, Graph, Operation

LARGEST_CONSTANT = 64
"""Elements of an array that is part of a graph; larger ones are weights."""
LARGER = (1, 1, 1, 2)
"""How often the second example repeats the first along each axis."""
Step = tuple[str, tuple[Any, ...], dict[str, Any]]
"""Kind, what is read (tensors, numbers, integer arrays, or None), attributes."""

aten = torch.ops.aten
PLAIN = {
    aten.abs.default: "Abs", aten.add.Tensor: "Add", aten.div.Tensor: "Div", aten.exp.default: "Exp",
    aten.log.default: "Log", aten.maximum.default: "Max", aten.minimum.default: "Min", aten.mul.Tensor: "Mul",
    aten.neg.default: "Neg", aten.relu.default: "Relu", aten.round.default: "Round", aten.sign.default: "Sign",
    aten.sqrt.default: "Sqrt", aten.sub.Tensor: "Sub",
}  # fmt: skip
"""Operations that read what torch's read, in the same order, and have no attributes."""
REWRITTEN = {aten.log1p.default: lambda values: (values + 1).log()}
"""Operations that are others in turn."""
SAME = {aten.alias.default, aten.clone.default, aten.detach.default}
"""Operations whose result is what they read."""


def _convolution(
    values: Tensor, weight: Tensor, bias: Tensor | None, stride: list[int], padding: list[int], dilation: list[int],
    transposed: bool, output_padding: list[int], groups: int,
) -> Step:  # fmt: skip
    attributes = {
        "group": groups, "pads": [*padding, *padding], "auto_pad": "NOTSET", "strides": stride, "dilations": dilation,
        "kernel_shape": list(weight.shape[2:]),
    }  # fmt: skip
    reads = (values, weight) if bias is None else (values, weight, bias)
    if transposed:
        return "ConvTranspose", reads, {**attributes, "output_padding": output_padding}
    return "Conv", reads, attributes


def _split(values: Tensor, size: int, axis: int = 0) -> Step:
    count, rest = divmod(values.shape[axis], size)
    if rest:
        raise BadConfig(f"{values.shape[axis]} channels cannot be split into parts of {size} in a model file")
    return "Split", (values,), {"axis": axis, "num_outputs": count}


def _pad(values: Tensor, amounts: Sequence[int], mode: str) -> Step:
    left, right, top, bottom = amounts
    return "Pad", (values, np.array([0, 0, top, left, 0, 0, bottom, right])), {"mode": mode}


def _cast(values: Tensor, *, dtype: torch.dtype, **_: Any) -> Step:
    if dtype != torch.uint8:
        raise BadConfig(f"a model file computes in single precision; a network computes in {dtype}")
    return "Cast", (values,), {"to": UINT8}


OTHER: dict[Any, Callable[..., Step]] = {
    aten.cat.default: lambda parts, axis=0: ("Concat", tuple(parts), {"axis": axis}),
    aten.clamp.default: lambda values, least=None, most=None: ("Clip", (values, least, most), {}),
    aten.constant_pad_nd.default: lambda values, amounts, value=0: _pad(values, amounts, "constant"),
    aten.convolution.default: _convolution,
    aten.leaky_relu.default: lambda values, slope=0.01: ("LeakyRelu", (values,), {"alpha": slope}),
    aten.pixel_shuffle.default: lambda values, size: ("DepthToSpace", (values,), {"blocksize": size, "mode": "CRD"}),
    aten.reflection_pad2d.default: lambda values, amounts: _pad(values, amounts, "reflect"),
    aten.replication_pad2d.default: lambda values, amounts: _pad(values, amounts, "edge"),
    aten.rsub.Scalar: lambda values, number: ("Sub", (number, values), {}),
    aten.split.Tensor: _split,
    aten._to_copy.default: _cast,
}
"""Operations that torch names or orders otherwise."""


class _Recorder(TorchDispatchMode):
    """Writes down operations on what depends on the inputs; tensors are known by identity, and kept alive for it."""

    def __init__(self, inputs: dict[str, Tensor], weights: dict[int, str], prefix: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.prefix = prefix
        self.names = {id(value): name for name, value in inputs.items()}
        self.owned = weights
        self.named: dict[int, str] = {}
        self.kept: list[Any] = list(inputs.values())
        self.operations: list[Operation] = []
        self.owned_arrays: Arrays = {}
        self.computed: Arrays = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not any(id(value) in self.names for value in _tensors(args)):
            return func(*args, **kwargs)
        if func in REWRITTEN:
            with self:
                return REWRITTEN[func](*args, **kwargs)
        result = func(*args, **kwargs)
        self.kept.append(result)
        if func in SAME:
            self.names[id(result)] = self.names[id(args[0])]
            return result
        kind, reads, attributes = self._step(func, args, kwargs)
        made = list(result) if isinstance(result, tuple | list) else [result]
        writes = [f"{kind.lower()}_{len(self.operations)}" + (f"_{part}" if part else "") for part in range(len(made))]
        self.operations.append(Operation(kind, tuple(map(self._name, reads)), tuple(writes), attributes))
        self.names.update((id(value), name) for value, name in zip(made, writes, strict=True))
        return result

    def _step(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Step:
        if func in PLAIN and not kwargs:
            return PLAIN[func], args, {}
        if func not in OTHER:
            raise BadConfig(f"{self.prefix}: {func} {kwargs or ''} is not among the operations of a model file")
        return OTHER[func](*args, **kwargs)

    def _name(self, value: Any) -> str:
        """Return what a tensor, a number or None is called in the graph, as an array of it where no input counts."""
        if value is None:
            return ""
        known = self.names.get(id(value)) or self.named.get(id(value))
        if known:
            return known
        array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
        array = array.astype(np.int64 if isinstance(value, np.ndarray) else np.float32)
        if id(value) in self.owned:
            name = self.owned[id(value)]
            self.owned_arrays[name] = array
        else:
            name = f"{self.prefix}/{len(self.computed)}"
            self.computed[name] = array
        if isinstance(value, Tensor):
            self.kept.append(value)
            self.named[id(value)] = name
        return name


def _tensors(values: Any) -> Iterator[Tensor]:
    """Yield the tensors among arguments, and in lists of them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def to_graph(
    network: nn.Module, inputs: tuple[Tensor, ...], names: dict[int, str], prefix: str
) -> tuple[Graph, Arrays]:
    """Return a network's graph with free height and width, and the arrays that it names, float32.

    inputs  examples: (1, C, H, W), or (1, 1, 1, 1) for a scalar
    names   what parameters and buffers are called, by `data_ptr`
    prefix  of the names of arrays that are computed from them
    Raises BadConfig where a network does what a graph cannot say.
    """
    larger = tuple(value.repeat(LARGER) if value.shape[-1] > 1 else value for value in inputs)
    graph, arrays = _recorded(network.eval(), inputs, names, prefix)
    if _recorded(network, larger, names, prefix)[0].to_json() != graph.to_json():
        raise BadConfig(f"{prefix}: what the network computes depends on the size of its input")
    return Graph.from_json(graph.to_json()), arrays  # nothing is exported that a reader would refuse


@torch.no_grad()
def _recorded(
    network: nn.Module, inputs: tuple[Tensor, ...], names: dict[int, str], prefix: str
) -> tuple[Graph, Arrays]:
    given = dict(inspect.signature(network.forward).bind(*inputs).arguments)
    owned = {
        id(value): names[value.data_ptr()]
        for value in (*network.parameters(), *network.buffers())
        if value.data_ptr() in names
    }
    recorder = _Recorder(given, owned, prefix)
    with recorder:
        found = network(*inputs)
    found = found if isinstance(found, tuple) else (found,)
    outputs = tuple(recorder.names[id(value)] for value in found)
    small = {name: array for name, array in recorder.computed.items() if array.size <= LARGEST_CONSTANT}
    arrays = recorder.owned_arrays | {name: array for name, array in recorder.computed.items() if name not in small}
    weights = {name: name for name in arrays}
    pixels = found[0].dtype == torch.uint8
    return Graph(tuple(given), outputs, tuple(recorder.operations), weights, small, pixels), arrays
