"""Rings: the line of decoded latents around a block, which its prediction sees.

A ring is one position wide, in each variable, and lies only on sides where there is a neighbour. Networks run on planes
that are grown by it; passes see the block alone. A graph sees of the ring what it sees of the block: channels and
positions that are coded by then.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from trellic.codec.coding import Arrays, Sides
from trellic.codec.positions import Floats, pattern_of
from trellic.container.grid import Beside
from trellic.errors import DamagedModel
from trellic.model import Model
from trellic.model.schedule import Code, Mask, Schedule, parse_reference

Line = Mapping[str, Floats]
"""A line of positions of each variable, float32 (C, n), by name."""
Ring = Beside[Line]
Int64s = npt.NDArray[np.int64]
L = TypeVar("L")
NO_RING: Ring = Beside(None, None, None, None)
"""Of a block that sees nothing."""


def edges_of(variables: Mapping[str, Floats]) -> Ring:
    """Return the outermost lines of decoded variables, float32 (C, H, W), by side."""
    sides = (np.s_[:, :, 0], np.s_[:, 0], np.s_[:, :, -1], np.s_[:, -1])
    return Beside(*({name: planes[side].copy() for name, planes in variables.items()} for side in sides))


def ring_of(edges: Beside[Ring]) -> Ring:
    """Return the ring of a block whose neighbours have these edges."""
    left, top, right, bottom = edges
    return Beside(left and left.right, top and top.bottom, right and right.left, bottom and bottom.top)


def coded_lines(ring: Beside[L], mask: Mask, height: int, width: int) -> Iterator[tuple[L, Int64s, Int64s, Int64s]]:
    """Yield each line of the ring of a block, which of its positions a mask has, and the rows and columns of these.

    Rows and columns count from the block's own: -1 is above or left of it, its height below, its width right.
    """
    pattern, rows, columns = pattern_of(mask), np.arange(height), np.arange(width)
    outside = (
        (ring.left, rows, np.full(height, -1)),
        (ring.top, np.full(width, -1), columns),
        (ring.right, rows, np.full(height, width)),
        (ring.bottom, np.full(width, height), columns),
    )
    for line, row, column in outside:
        if line is not None:
            chosen = pattern[row % len(pattern), column % len(pattern[0])] > 0
            yield line, np.flatnonzero(chosen), row[chosen], column[chosen]


def sizes_of(schedule: Schedule, values: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return height and width of a block's variables, arrays or tensors, the largest first."""
    return sorted({tuple(values[name].shape[-2:]) for name in schedule.variables}, reverse=True)


def size_of(shape: Sequence[int], sizes: list[tuple[int, int]]) -> tuple[int, int]:
    """Return the block's own height and width in what a graph gave: the largest that is in there, rings being small."""
    height, width = shape[-2:]
    return next((size for size in sizes if size[0] <= height and size[1] <= width), sizes[0])


class RingedArrays(Arrays):
    """Variables of one block as numpy arrays, float32 (C, H, W): graphs see them with a ring, passes without."""

    def __init__(self, model: Model, ring: Ring, **values: npt.NDArray[np.float32]) -> None:
        super().__init__(**values)
        self.model, self.ring = model, ring
        self.before = int(ring.top is not None), int(ring.left is not None)
        self.after = int(ring.bottom is not None), int(ring.right is not None)
        self.sizes = sizes_of(model.schedule, values)
        self.grown = {name: np.pad(values[name], self.grown_by) for name in model.schedule.variables}

    def read(self, reference: str) -> npt.NDArray[np.float32]:
        """Return a variable, or channels of it, with the ring as far as it is coded."""
        name, start, stop = parse_reference(reference)
        if name not in self.grown:
            return super().read(reference)
        grown = self.grown[name]
        if name in self.model.schedule.variables:
            self._own(grown)[:] = self.by_name[name]
        return grown if stop is None else grown[start:stop]

    def write(self, name: str, value: npt.NDArray[np.float32]) -> None:
        """Keep what a graph gives: with a ring of one position for graphs, without for passes. Raises DamagedModel."""
        cuts, size = [slice(None)], size_of(value.shape, self.sizes)
        for length, own, before, after in zip(value.shape[1:], size, self.before, self.after, strict=True):
            wide, rest = divmod(length - own, max(1, before + after))
            if rest or wide < min(1, before + after) or (wide and not before + after):
                raise DamagedModel(f"model {self.model.name}: {name} is {value.shape}, which no ring fits")
            cuts.append(slice(before * (wide - 1), length - after * (wide - 1)))
        self.grown[name] = value[*cuts]
        self.by_name[name] = np.ascontiguousarray(self._own(self.grown[name]))

    def coded(self, step: Code) -> None:
        """Let graphs see the ring at the positions of a pass, whose mask goes on beyond the block's edges."""
        grown, (top, left) = self.grown[step.variable][step.channels], self.before
        height, width = self.by_name[step.variable].shape[1:]
        for line, chosen, rows, columns in coded_lines(self.ring, step.mask, height, width):
            grown[:, rows + top, columns + left] = line[step.variable][step.channels, chosen]

    @property
    def grown_by(self) -> Sides:
        """By how many positions planes are larger for graphs than for passes, along (C, H, W), before and after."""
        (top, left), (bottom, right) = self.before, self.after
        return (0, 0), (top, bottom), (left, right)

    def _own(self, grown: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the block's own part of grown planes."""
        rows, columns = (
            slice(before, length - after)
            for before, after, length in zip(self.before, self.after, grown.shape[1:], strict=True)
        )
        return grown[:, rows, columns]


def arrays_of(model: Model, ring: Ring | None, **values: Floats) -> Arrays:
    """Return the variables of a unit, with the ring of one that is a block."""
    return Arrays(**values) if ring is None else RingedArrays(model, ring, **values)
