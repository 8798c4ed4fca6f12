"""How what is decoded later depends on what was decoded before: gradients, back through the networks that predict.

A latent whose index is 0 is shown as its predicted mean. So a latent has two parts in a picture: its own, and one in
the means of passes after it. All steps of coding are followed with latents that are known already, then in reverse: a
network hands the gradients by what it gave on to what it was given. Latents with other indices count as if they stayed
where they are, since a quantizer holds them near their targets, whatever their means.
Source: Griewank and Walther, Evaluating Derivatives (2008).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from trellic.codec.coding import run, scalar
from trellic.codec.positions import Floats, positions_in
from trellic.codec.ring import Ring, arrays_of
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import ONE
from trellic.errors import DamagedModel
from trellic.model import Sessions
from trellic.model.model import ADJOINT
from trellic.model.schedule import Code, parse_reference

Chosen = npt.NDArray[np.bool_]


class Followed:
    """Steps of coding that were followed with known latents.

    taken   what each network took that sees y
    shapes  of what it made
    means   of each pass, which of its latents are their predicted means, (its channels, H, W)
    """

    def __init__(self, sessions: Sessions, decoded: Mapping[str, Floats], quality: int, ring: Ring | None) -> None:
        self.sessions, self.decoded = sessions, decoded
        self.taken, self.shapes, self.means = list[list[Floats]](), list[list[tuple[int, ...]]](), list[Chosen]()
        empty = {name: np.zeros_like(planes) for name, planes in decoded.items()}
        self.values = arrays_of(sessions.model, ring, quality=scalar(quality / HIGHEST_QUALITY), **empty)
        run(sessions.model.schedule.code, self._run, self.values, self._put)

    def _run(self, name: str, inputs: list[Floats]) -> list[Floats]:
        outputs = self.sessions.run(name, inputs)
        if name in self.sessions.model.schedule.predictors:
            self.taken.append([one.copy() for one in inputs])  # y goes on changing
            self.shapes.append([one.shape for one in outputs])
        return outputs

    def _put(self, step: Code) -> None:
        known, planes = self.values.by_name, self.decoded[step.variable][step.channels]
        chosen = positions_in(step.mask, *planes.shape[1:])
        np.copyto(known[step.variable][step.channels], planes, where=chosen)
        self.values.coded(step)
        self.means.append(chosen & (np.abs(planes - known.get(step.mean, np.float32(0))) < 1 / ONE))


def through_predictions(
    sessions: Sessions, decoded: Mapping[str, Floats], quality: int, ring: Ring | None, gradient: Floats
) -> Floats:
    """Return a gradient by y with what passes add to it that are predicted from it, float32 (C, H, W).

    decoded   variables as a decoder has them, at a quality of 0 to 25600
    ring      what a block's prediction sees of its neighbours; None where it is no block
    gradient  by decoded y, where each latent counts for itself alone
    The networks that predict need adjoints, see `Model.adjoints`. Raises DamagedModel where one cannot be run.
    """
    schedule, followed = sessions.model.schedule, Followed(sessions, decoded, quality, ring)
    total, coded, waiting = gradient.copy(), np.ones(gradient.shape, bool), dict[str, Floats]()
    grown = followed.values.grown_by
    own = tuple(slice(before, before + length) for (before, _), length in zip(grown, gradient.shape, strict=True))

    def hand_on(name: str, more: Floats) -> None:
        waiting[name] = waiting[name] + more if name in waiting else more

    for step in reversed(schedule.code):
        if isinstance(step, Code):
            means = followed.means.pop()
            if step.variable == "y":
                hand_on(step.mean, np.pad(np.where(means, total[step.channels], np.float32(0)), grown))
                coded[step.channels] &= ~positions_in(step.mask, *total.shape[1:])
            continue
        given = [waiting.pop(name, None) for name in step.writes]
        if step.graph in schedule.predictors:
            taken, shapes = followed.taken.pop(), followed.shapes.pop()
            known = [np.zeros(shape, np.float32) if one is None else one
                     for one, shape in zip(given, shapes, strict=True)]  # fmt: skip
            found = sessions.run(ADJOINT + step.graph, [*taken, *known])
            for number, each in zip(schedule.predictors[step.graph], found, strict=True):
                if each.shape != taken[number].shape:
                    raise DamagedModel(f"model {sessions.model.name}: the adjoint of {step.graph} does not fit it")
                name, start, stop = parse_reference(step.reads[number])
                if name == "y":
                    total[start:stop] += each[:, *own[1:]] * coded[start:stop]
                else:
                    hand_on(name, each)
    return total
