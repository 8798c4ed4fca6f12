"""Exact networks on large inputs, band by band, so that what they take in memory is bounded.

A network of convolutions that keep the size of what they read computes the same for a band as for the whole, wherever
the band's edge is further away than it looks. What is exact is the same to the last bit.
"""

from collections.abc import Set
from fractions import Fraction
from itertools import compress
from math import ceil
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from trellic.errors import DamagedModel
from trellic.model.graph import Graph, Operation
from trellic.model.model import Floats
from trellic.model.session import Sessions

LARGE, BAND = 10_000, 2_500
"""Positions of what a network gives: from how many on bands are made, as a tile of 1600×1600 pixels has latents; and
those of a band."""
POINTWISE = {
    "Abs", "Add", "Cast", "Clip", "Concat", "Div", "Exp", "LeakyRelu", "Log", "Max", "Min", "Mul", "Neg", "Relu",
    "Round", "Sign", "Split", "Sqrt", "Sub",
}  # fmt: skip
"""Operations each of whose results depends on one position."""


class Reach(NamedTuple):
    """How a network's results depend on what it is given.

    scale   rows of a result for each row of what is given
    around  rows, and columns, of what is given that a result looks at on each side of its own
    """

    scale: int
    around: int


_REACHES: "WeakKeyDictionary[Sessions, dict[tuple[str, tuple[bool, ...]], Reach | None]]" = WeakKeyDictionary()
"""By graph and which of its inputs are no scalars."""


def run_in_bands(sessions: Sessions, graph: str, arrays: list[Floats]) -> list[npt.NDArray[Any]]:
    """Return what `Sessions.run` returns, computed in bands where the inputs are large. Raises as it does."""
    shapes = {array.shape[1:] for array in arrays} - {(1, 1)}
    planes = tuple(array.shape[1:] != (1, 1) for array in arrays)
    known = _REACHES.setdefault(sessions, {})
    if (graph, planes) not in known:
        network, _ = sessions.model.network(graph)
        known[graph, planes] = reach_of(network, set(compress(network.inputs, planes)))
    reach = known[graph, planes]
    if len(shapes) != 1 or reach is None or not sessions.model.is_exact:
        return sessions.run(graph, arrays)
    (shape,) = shapes
    shorter, longer = sorted(shape)
    if shorter * longer * reach.scale**2 <= LARGE:
        return sessions.run(graph, arrays)
    size = max(1, BAND // (shorter * reach.scale**2))
    axis, outputs = 1 + int(shape[1] == longer), list[npt.NDArray[Any]]()
    for start in range(0, longer, size):
        stop = min(start + size, longer)
        first, last = max(0, start - reach.around), min(stop + reach.around, longer)
        seen = [array if array.shape[1:] == (1, 1) else _part(array, axis, first, last) for array in arrays]
        found = sessions.run(graph, seen)
        wanted = [reach.scale * side for side in shape]
        wanted[axis - 1] = reach.scale * (last - first)
        if any(list(one.shape[1:]) != wanted for one in found):
            raise DamagedModel(f"model {sessions.model.name}: network {graph} gives {[one.shape for one in found]}")
        if not outputs:
            outputs = [np.empty((len(one), *(reach.scale * side for side in shape)), one.dtype) for one in found]
        for whole, one in zip(outputs, found, strict=True):
            own = _part(one, axis, reach.scale * (start - first), reach.scale * (stop - first))
            _part(whole, axis, reach.scale * start, reach.scale * stop)[:] = own
    return outputs


def reach_of(graph: Graph, planes: Set[str]) -> Reach | None:
    """Return a network's reach, or None where it is not made of what keeps, or multiplies, the size of what it reads.

    planes  those of its inputs that are no scalars
    """
    known = dict.fromkeys(planes, (1, Fraction(0)))
    for one in graph.operations:
        read = [known[name] for name in one.reads if name in known]
        if not read:
            continue  # of scalars and weights
        scales = {scale for scale, _ in read}
        grown = _growth(one)
        if len(scales) != 1 or grown is None:
            return None
        (scale,) = scales
        around = max(around for _, around in read) + Fraction(grown.around, scale)
        known.update(dict.fromkeys(one.writes, (scale * grown.scale, around)))
    results = [known.get(name) for name in graph.outputs]
    if None in results or len({each[0] for each in results if each}) != 1:
        return None
    return Reach(max(each[0] for each in results if each), ceil(max(each[1] for each in results if each)))


def _growth(one: Operation) -> Reach | None:
    """Return how an operation's results depend on what it reads, or None where that is not simple."""
    if one.kind in POINTWISE:
        return Reach(1, 0) if one.attributes.get("axis", 1) == 1 else None
    if one.kind == "DepthToSpace":
        return Reach(one.attributes["blocksize"], 0)
    if one.kind != "Conv":
        return None
    sides, dilations = (one.attributes.get(name, []) for name in ("kernel_shape", "dilations"))
    around = [dilation * (side - 1) // 2 for side, dilation in zip(sides, dilations, strict=False)]
    keeps = len(sides) == len(dilations) == 2 and all(side % 2 for side in sides)
    if not keeps or one.attributes.get("strides") != [1, 1] or one.attributes.get("pads") != [*around, *around]:
        return None
    return Reach(1, max(around))


def _part(array: npt.NDArray[Any], axis: int, start: int, stop: int) -> npt.NDArray[Any]:
    """Return a view of rows, where the axis is 1, or columns."""
    return array[:, start:stop] if axis == 1 else array[:, :, start:stop]
