"""The gradient of a network as another network: reverse-mode differentiation, written as a graph.

The squared error of a picture depends on latents through the synthesis. Its gradient is the adjoint of the synthesis's
Jacobian, applied to the error: the operations in reverse, each replaced by its own adjoint. A convolution becomes one
whose channels change places and whose filters are flipped, a transposed convolution a strided one with the same
weights, an activation a product with its slope.

Such a graph is derived from a decoder's when an encoder needs it. It is never read from a file, and uses operations
that files may not. Source: Griewank and Walther, Evaluating Derivatives (2008).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.model.arrays import Arrays
from trellic.model.graph import Graph, Operation

ROUNDINGS = {"Cast", "Round"}
LAST = 1 << 31
"""As the end of a slice: up to the last."""
MOST_ADDED = 1 << 14
"""Operations, so that no model takes long."""
HUGE = 1e30
"""Makes any number that is not zero larger than 1."""
ADDED = "adjoint_{}"
TARGET, WEIGHTS = ADDED.format("target"), ADDED.format("weights")


def gradient_of(graph: Graph, arrays: Arrays) -> tuple[Graph, Arrays]:
    """Return a graph that computes how the squared error of a network's output depends on its first input.

    arrays  the model's weights
    The graph takes the network's inputs, a target like the output, (1, C, H, W), and the weight of each position's
    error, (1, 1, H, W). It gives half the gradient of the weighted sum of squared errors by the first input, and the
    output, both before any rounding. It is returned with the weights that it names. Raises ValueError where the adjoint
    of an operation is not known.
    """
    exact = _without_rounding(graph)
    reverse = _Reverse(exact, arrays)
    error = reverse.add("Mul", reverse.add("Sub", exact.outputs[0], TARGET), WEIGHTS)
    (gradient,) = reverse.run({exact.outputs[0]: error}, exact.inputs[:1])
    return reverse.derived((*exact.inputs, TARGET, WEIGHTS), (gradient, exact.outputs[0])), reverse.weights


def adjoint_of(graph: Graph, arrays: Arrays, by: Collection[int]) -> tuple[Graph, Arrays]:
    """Return a graph that computes how what depends on a network's outputs depends on some of its inputs, by number.

    It takes the network's inputs and the gradients of its outputs, and gives those of these inputs, in their order.
    Rounding counts as if it were none. Raises ValueError where the adjoint of an operation is not known.
    """
    reverse = _Reverse(graph, arrays)
    given = {name: ADDED.format(name) for name in graph.outputs}
    found = reverse.run(given, [graph.inputs[number] for number in sorted(by)])
    return reverse.derived((*graph.inputs, *given.values()), found), reverse.weights


def _without_rounding(graph: Graph) -> Graph:
    """Return a graph that computes the same but does not round."""
    stands_for: dict[str, str] = {}
    operations = []
    for one in graph.operations:
        reads = tuple(stands_for.get(name, name) for name in one.reads)
        if one.kind in ROUNDINGS:
            stands_for[one.writes[0]] = reads[0]
        else:
            operations.append(replace(one, reads=reads))
    outputs = tuple(stands_for.get(name, name) for name in graph.outputs)
    return replace(graph, operations=tuple(operations), outputs=outputs, pixels=False)


class _Reverse:
    """The reverse sweep: operations that it adds, their weights and constants, and the gradient of each value."""

    def __init__(self, graph: Graph, arrays: Arrays) -> None:
        self.graph, self.stored = graph, arrays
        self.known = {name: arrays[stored] for name, stored in graph.weights.items()}
        self.added: list[Operation] = []
        self.arrays: Arrays = {}
        self.constants: Arrays = {}
        self.gradients: dict[str, str] = {}
        self.numbers = count()

    def run(self, given: Mapping[str, str], by: Sequence[str]) -> tuple[str, ...]:
        """Return the gradients by some inputs, given those by outputs. Raises ValueError."""
        varying = set(by)
        for one in self.graph.operations:
            if varying & set(one.reads):
                varying |= set(one.writes)
        self.gradients.update(given)
        for one in reversed(self.graph.operations):
            if set(one.writes) <= set(self.gradients):
                for number, name in enumerate(one.reads):
                    if name in varying:
                        self._accumulate(name, self._adjoint(one, number))
        if missing := set(by) - set(self.gradients):
            raise ValueError(f"no output depends on {min(missing)}")
        return tuple(self.gradients[name] for name in by)

    def derived(self, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Graph:
        """Return the graph with what was added to it."""
        return Graph(
            inputs,
            outputs,
            (*self.graph.operations, *self.added),
            {**self.graph.weights, **{name: name for name in self.arrays}},
            {**self.graph.constants, **self.constants},
        )

    @property
    def weights(self) -> Arrays:
        """The weights that the derived graph names."""
        return {**{stored: self.stored[stored] for stored in self.graph.weights.values()}, **self.arrays}

    def add(self, kind: str, *reads: str, **attributes: Any) -> str:
        """Add an operation, and return the name of its result. Raises ValueError where there are too many."""
        if len(self.added) >= MOST_ADDED:
            raise ValueError("the adjoint has too many operations")
        name = ADDED.format(next(self.numbers))
        self.added.append(Operation(kind, reads, (name,), attributes))
        return name

    def _accumulate(self, name: str, gradient: str) -> None:
        known = self.gradients.get(name)
        self.gradients[name] = gradient if known is None else self.add("Add", known, gradient)

    def _adjoint(self, one: Operation, number: int) -> str:
        """Return what an operation adds to the gradient of what it reads, by number. Raises ValueError."""
        gradient, result = self.gradients[one.writes[0]], one.writes[0]
        match one.kind, number:
            case ("Add", _) | ("Sub", 0) | ("Round", 0):
                return gradient
            case "Sub", 1:
                return self.add("Neg", gradient)
            case "Mul", _:
                return self.add("Mul", gradient, one.reads[1 - number])
            case "Div", 0:
                return self.add("Div", gradient, one.reads[1])
            case "LeakyRelu", 0:
                return self.add("Mul", gradient, self._if_positive(result, one.attributes["alpha"]))
            case "Clip", 0:
                above, below = self.add("Sub", result, one.reads[1]), self.add("Sub", one.reads[2], result)
                inside = self.add("Mul", self._if_positive(above, 0.0), self._if_positive(below, 0.0))
                return self.add("Mul", gradient, inside)
            case "Conv", 0 if one.attributes["strides"] == one.attributes["dilations"] == [1, 1]:
                return self._convolve(one, gradient)
            case "ConvTranspose", 0 if one.attributes["dilations"] == [1, 1]:
                attributes = {key: value for key, value in one.attributes.items() if key != "output_padding"}
                return self.add("Conv", gradient, one.reads[1], **attributes)
            case "Split", 0:
                return self.add("Concat", *(self.gradients[name] for name in one.writes), axis=1)
            case "Concat", _ if one.attributes["axis"] == 1:
                return self._part(gradient, one.reads, number)
            case "Pad", 0 if one.attributes.get("mode") == "edge":
                return self._fold(gradient, self.graph.constants[one.reads[1]])
        raise ValueError(f"the adjoint of operation {one.kind} is not known")

    def _if_positive(self, values: str, otherwise: float) -> str:
        """Add 1 where values are positive, and another number up to 1 elsewhere: quicker than signs are."""
        return self.add("Clip", self.add("Mul", values, self._number(HUGE)), *map(self._number, (otherwise, 1.0)))

    def _convolve(self, one: Operation, gradient: str) -> str:
        """Add the adjoint of a convolution of stride 1: channels change places within their group, filters flip."""
        weight, groups = self.known[one.reads[1]], one.attributes["group"]
        outputs, inputs, height, width = weight.shape
        swapped = weight.reshape(groups, outputs // groups, inputs, height, width).swapaxes(1, 2)
        flipped = swapped.reshape(groups * inputs, outputs // groups, height, width)[:, :, ::-1, ::-1]
        name = ADDED.format(one.reads[1])
        self.arrays[name] = np.ascontiguousarray(flipped)
        pads = [size - 1 - pad for size, pad in zip([height, width] * 2, one.attributes["pads"], strict=True)]
        return self.add("Conv", gradient, name, **{**one.attributes, "pads": pads})

    def _fold(self, gradient: str, pads: npt.NDArray[np.int64]) -> str:
        """Add the adjoint of continuing a picture at its edges: what lies outside is added to the edge."""
        for axis in (2, 3):
            before, after = int(pads[axis]), int(pads[axis + 4])
            first = self._sum(gradient, axis, 0, before + 1)
            middle = self._slice(gradient, axis, before + 1, -after - 1)
            last = self._sum(gradient, axis, -after - 1, LAST)
            gradient = self.add("Concat", first, middle, last, axis=axis)
        return gradient

    def _part(self, values: str, reads: Sequence[str], number: int) -> str:
        """Add the channels that one of several arrays has where they are joined."""
        ends = [self.add("Shape", name, start=1, end=2) for name in reads[: number + 1]]
        for before in range(number):
            ends[before + 1] = self.add("Add", ends[before], ends[before + 1])
        start = ends[number - 1] if number else self._integer(0)
        return self.add("Slice", values, start, ends[number], self._integer(1))

    def _slice(self, values: str, axis: int, start: int, stop: int) -> str:
        return self.add("Slice", values, *map(self._integer, (start, stop, axis)))

    def _sum(self, values: str, axis: int, start: int, stop: int) -> str:
        return self.add("ReduceSum", self._slice(values, axis, start, stop), self._integer(axis), keepdims=1)

    def _number(self, value: float) -> str:
        name = ADDED.format(f"number_{value}")
        self.constants[name] = np.array(value, np.float32)
        return name

    def _integer(self, value: int) -> str:
        name = ADDED.format(f"integer_{value}")
        self.constants[name] = np.array([value], np.int64)
        return name
