"""Rings in training: what `trellic.codec.ring` does with arrays of a block, with tensors of a batch, differentiably."""

import torch
import torch.nn.functional as F
from torch import Tensor

from trellic.codec.ring import coded_lines, size_of, sizes_of
from trellic.container.grid import Beside
from trellic.model.schedule import Code, Schedule, parse_reference
from trellic.networks.learned import Tensors

TensorRing = Beside[dict[str, Tensor]]
"""On each side, lines of positions of each variable, (N, C, n), by name; None where there is no neighbour."""


def ring_in(planes: dict[str, Tensor], strides: dict[str, int], margin: int, sides: Beside[bool]) -> TensorRing:
    """Return the ring around the middle of larger planes, (N, C, H, W), that leaves a margin in pixels on all sides.

    sides  on which there is to be one
    """

    def lines(across: bool, before: bool) -> dict[str, Tensor]:
        found = {}
        for name, whole in planes.items():
            cut = margin // strides[name]
            outer = whole if across else whole.transpose(2, 3)
            found[name] = outer[:, :, cut:-cut, cut - 1 if before else -cut]
        return found

    every = Beside(lines(True, True), lines(False, True), lines(True, False), lines(False, False))
    return Beside(*(line if there else None for line, there in zip(every, sides, strict=True)))


class RingedTensors(Tensors):
    """Variables of blocks by name, (N, C, h, w): graphs see them with a ring, passes without."""

    def __init__(self, schedule: Schedule, ring: TensorRing, **values: Tensor) -> None:
        super().__init__(**values)
        self.schedule, self.ring = schedule, ring
        self.top, self.left = int(ring.top is not None), int(ring.left is not None)
        self.bottom, self.right = int(ring.bottom is not None), int(ring.right is not None)
        self.sizes = sizes_of(schedule, values)
        self.seen = {name: self._grown(torch.zeros_like(values[name])) for name in schedule.variables}
        self.outputs: dict[str, Tensor] = {}

    def read(self, reference: str) -> Tensor:
        """Return a variable, or channels of it, with the ring as far as it is coded."""
        name, start, stop = parse_reference(reference)
        if name in self.seen:
            found = self._grown(self.by_name[name]) + self.seen[name]
        else:
            found = self.outputs.get(name, self.by_name[name])
        return found if stop is None else found[:, start:stop]

    def write(self, name: str, value: Tensor) -> None:
        """Keep a variable, or what a graph gives: with a ring of one position for graphs, without for passes."""
        if name not in self.seen:
            (height, width), own = value.shape[-2:], size_of(value.shape, self.sizes)
            down = (height - own[0]) // max(1, self.top + self.bottom) - 1
            across = (width - own[1]) // max(1, self.left + self.right) - 1
            value = value[:, :, self.top * down : height - self.bottom * down]
            value = value[:, :, :, self.left * across : width - self.right * across]
            self.outputs[name] = value
            value = value[:, :, self.top : self.top + own[0], self.left : self.left + own[1]]
        self.by_name[name] = value

    def coded(self, step: Code) -> None:
        """Let graphs see the ring at the positions of a pass."""
        seen = self.seen[step.variable].clone()
        height, width = self.by_name[step.variable].shape[-2:]
        for line, chosen, rows, columns in coded_lines(self.ring, step.mask, height, width):
            given = line[step.variable][:, step.channels][:, :, chosen]
            seen[:, step.channels, rows + self.top, columns + self.left] = given
        self.seen[step.variable] = seen

    def _grown(self, planes: Tensor) -> Tensor:
        return F.pad(planes, (self.left, self.right, self.top, self.bottom))
