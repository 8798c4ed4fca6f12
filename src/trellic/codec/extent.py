"""How much of a unit's latents is coded: the first groups of channels, and means in the place of others."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from trellic.codec.coding import Arrays, Coding, Pass, run
from trellic.entropy.states import CdfIndices, Indices, States
from trellic.model.model import Floats
from trellic.model.schedule import Schedule, Step
from trellic.quantize import QuantizerParameters


class Extent(NamedTuple):
    """How much of a unit is coded.

    groups     of channels; None for all
    half       whether the last of them ends with its first pass
    predicted  how many groups, from the first, become their predicted means where they are not coded; None for all.
               The latents of others stay zero
    """

    groups: int | None = None
    half: bool = False
    predicted: int | None = None


EVERY_GROUP = Extent()


def follow(
    schedule: Schedule,
    extent: Extent,
    graphs: Callable[[str, list[Floats]], Sequence[Floats]],
    values: Arrays,
    coding: Coding,
    done: Callable[[Step], None] = lambda step: None,
) -> bool:
    """Follow the steps of coding as far as an extent goes, by `coding.run`; return whether every pass was coded."""
    steps = schedule.through(extent.groups, extent.half)
    run(steps, graphs, values, coding, done)
    coding.coder = _mean
    run(schedule.through(extent.predicted)[len(steps) :], graphs, values, coding, done)
    return len(steps) == len(schedule.code)


def _mean(at: Pass, states: States, parameters: QuantizerParameters) -> tuple[Indices, CdfIndices, int]:
    """Return indices of 0, which stand for the means: a pass that is not coded."""
    return np.zeros(len(at.positions), np.int32), at.parameters.scale_indices, at.state
