"""The passes of a tile in layers: all of them are walked in every sweep, and each codes what the sweep is for.

A latent begins in the first plane in which its scale says that it may not be zero; its mean then is its anchor. In
every later plane it gets one more digit. Networks read latents as they are reconstructed at that time, so each sweep's
predictions know all that the sweeps before have decoded. As in training, they see nothing of passes that are yet to
come in the sweep.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from trellic.codec.coding import Coding, run
from trellic.codec.positions import Floats, Positions, columns_of
from trellic.container.layers import Layering, Sweep
from trellic.entropy.choices import Boundaries, Choices
from trellic.entropy.intervals import distribution, scales
from trellic.entropy.parameters import ONE, fixed_mean, scale_index_of, scale_offset
from trellic.entropy.states import Indices, ScaleIndices
from trellic.entropy.tables import SKIPPED_SCALES, Tables
from trellic.kernels import kernel
from trellic.model.schedule import Code
from trellic.quantize.nested import Plane, costs, first_child, is_worth, middle, parts


class Nested(NamedTuple):
    """What is known of a variable's latents, or of channels of it; arrays (C, H, W).

    anchors  int32: the mean that each counts from, in 1/1024
    indices  int32: as many digits of each as are known
    known    uint8: how many planes of each are known; 0 where it has not begun
    decoded  float32: each as it is reconstructed
    """

    anchors: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    known: npt.NDArray[np.uint8]
    decoded: Floats

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "Nested":
        """Return latents of which nothing is known."""
        anchors, indices = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        return cls(anchors, indices, np.zeros(shape, np.uint8), np.zeros(shape, np.float32))

    def channels(self, part: slice) -> "Nested":
        """Return views of channels."""
        return Nested(self.anchors[part], self.indices[part], self.known[part], self.decoded[part])


class Digits(NamedTuple):
    """What a sweep codes in a pass, in coding order.

    plane       that it is of
    begun       where latents begin, int32 (b,), flat; their scale indices, and the tables
    refined     where others get a digit, int32 (r,), flat
    boundaries  of these digits' frequencies
    """

    plane: Plane
    begun: Positions
    scale_indices: ScaleIndices
    tables: Tables
    refined: Positions
    boundaries: Boundaries


Graphs = Callable[[str, list[Floats]], Sequence[Floats]]
"""Runs networks by name."""


class DigitCoder(Protocol):
    """Codes the digits of a pass: decodes them, or chooses and encodes them."""

    def __call__(self, step: Code, digits: Digits, latents: Nested) -> tuple[Indices, Choices, bool]:
        """Return indices of latents that begin, and choices among children, lowest first; and whether all are there.

        Both may be shorter than what is asked for where not all are there.
        """


@kernel
def _survey(means, log_scales, mask, offset, plane, sweep, lookup, latents, found):  # type: ignore[no-untyped-def]
    """Find what is coded, and mark what is not as it stays; return how many begin, and how many are refined."""
    columns, counts = mask
    number, least, is_last = sweep
    spread, table, costs = lookup
    anchors, indices, known, decoded = latents
    begun, scale_indices, refined, boundaries = found
    radix, power, centre, dead_zone, step, first_middle = plane
    channels, height, width = means.shape
    begin_count, refine_count = 0, 0
    for channel in range(channels):
        for line in range(height):
            row = line % len(counts)
            for place in range(counts[row]):
                at = (channel, line, columns[row, place])
                flat = (channel * height + line) * width + columns[row, place]
                if known[at] == number:
                    continue
                mean = np.int64(fixed_mean(means[at]))
                scale_index = scale_index_of(log_scales[at], offset)
                if known[at] == 0:
                    decoded[at] = mean / ONE
                    if scale_index >= SKIPPED_SCALES and is_last:
                        anchors[at] = mean
                        begun[begin_count] = flat
                        scale_indices[begin_count] = scale_index
                        begin_count += 1
                    continue
                if indices[at] == 0 and scale_index < SKIPPED_SCALES:
                    if is_last:
                        known[at] = number
                    continue
                first, second = parts(
                    np.int64(indices[at]), np.int64(anchors[at]), mean, spread[scale_index],
                    radix, power, centre, dead_zone, step, table,
                )  # fmt: skip
                if is_last or is_worth(first, second, first_middle, least, costs):
                    refined[refine_count] = flat
                    boundaries[refine_count, 0], boundaries[refine_count, 1] = first, second
                    refine_count += 1
    return begin_count, refine_count


@kernel
def _show(columns, counts, decoded, shown):  # type: ignore[no-untyped-def]
    """Copy a mask's latents."""
    for channel in range(len(shown)):
        for line in range(shown.shape[1]):
            row = line % len(counts)
            for place in range(counts[row]):
                at = (channel, line, columns[row, place])
                shown[at] = decoded[at]


@kernel
def _put(positions, found, number, is_first, plane, anchors, indices, known, decoded):  # type: ignore[no-untyped-def]
    """Put indices, or choices among children, in flat planes."""
    radix, power, centre, dead_zone, step, _ = plane
    for n in range(len(found)):
        at = positions[n]
        index = np.int64(found[n])
        if not is_first:
            index += first_child(np.int64(indices[at]), radix)
        indices[at] = index
        known[at] = number
        decoded[at] = middle(index, np.int64(anchors[at]), power, centre, dead_zone, step) / (ONE * ONE)


class LayerCoding:
    """The passes of one tile, sweep by sweep: what `coding.run` calls for each Code step.

    coding  codes what is rounded, once, and reads predictions
    coder   codes digits
    """

    def __init__(self, coding: Coding, planes: tuple[Plane, ...], coder: DigitCoder) -> None:
        self.coding, self.planes, self.coder = coding, planes, coder
        variables = coding.model.schedule.variables
        self.latents = {name: Nested.of(coding.values.by_name[name].shape) for name in variables}
        self.sweep = Sweep(1, 0, True)
        self._graphs: Graphs | None = None

    def walk(self, sweep: Sweep, graphs: Graphs) -> None:
        """Code a sweep by networks. Raises Over where data ends.

        What depends on rounded passes alone is computed once by each.
        """
        schedule = self.coding.model.schedule
        steps = schedule.code if sweep.plane == 1 else schedule.again if graphs == self._graphs else schedule.anew
        self.sweep, self._graphs = sweep, graphs
        for step in schedule.passes:
            if not step.is_rounded:
                self.coding.values.read(step.variable)[step.channels] = 0
        run(steps, graphs, self.coding.values, self)

    @property
    def decoded(self) -> dict[str, Floats]:
        """All variables, as far as they are decoded."""
        passes = {step.variable: step for step in self.coding.model.schedule.passes}
        return {
            name: one.decoded if not passes[name].is_rounded else self.coding.values.by_name[name]
            for name, one in self.latents.items()
        }

    def __call__(self, step: Code) -> None:
        """Code the digits of a pass, and put what is decoded into its variable. Raises Over where data ends."""
        if step.is_rounded:
            self.coding(step)
            return
        latents = self.latents[step.variable].channels(step.channels)
        digits = self._digits(step, latents)
        begun, choices, is_whole = self.coder(step, digits, latents)
        plane, number = kernel_plane(digits.plane), self.sweep.plane
        flat = [one.reshape(-1) for one in latents]
        _put(digits.begun, begun, number, True, plane, *flat)
        _put(digits.refined, choices, number, False, plane, *flat)
        if not is_whole:
            raise Over
        shown = self.coding.values.read(step.variable)[step.channels]
        _show(*columns_of(step.mask, shown.shape[2]), latents.decoded, shown)

    def _digits(self, step: Code, latents: Nested) -> Digits:
        plane, sweep = self.planes[self.sweep.plane - 1], self.sweep
        means, log_scales = self.coding.predictions(step, latents.decoded.shape)
        mask = columns_of(step.mask, means.shape[2])
        room = len(means) * int(mask[1][np.arange(means.shape[1]) % len(mask[1])].sum())
        begun, refined = np.empty(room, np.int32), np.empty(room, np.int32)
        scale_indices, boundaries = np.empty(room, np.uint8), np.empty((room, 2), np.uint32)
        begins, refines = _survey(
            means, log_scales, mask, scale_offset(plane.own_step), kernel_plane(plane), tuple(sweep),
            (scales(), distribution(), costs()), tuple(latents), (begun, scale_indices, refined, boundaries),
        )  # fmt: skip
        coded = begun[:begins], scale_indices[:begins], plane.tables(), refined[:refines], boundaries[:refines]
        return Digits(plane, *coded)


def planes_of(layering: Layering, step: int) -> tuple[Plane, ...]:
    """Return the planes, coarsest first, given the quantizer's step in 1/1024. Raises UnsupportedStream."""
    step = layering.step or step
    layering.check_step(step)
    missing = reversed(range(layering.planes))
    return tuple(Plane(layering.radix, digits, layering.dead_zone, step) for digits in missing)


class Over(Exception):
    """The data of a cut layer ends here."""


def kernel_plane(plane: Plane) -> tuple[int, int, int, int, int, int]:
    """Return a plane as kernels take it: radix, power, centre, dead zone, step, first middle."""
    return plane.radix, plane.power, plane.centre, plane.dead_zone, plane.step, plane.first_middle
