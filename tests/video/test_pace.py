"""Sizes of mini-groups are tried where frames begin to move otherwise, and the best one is kept until then."""

import numpy as np
import pytest

from conftest import textured
from trellic.video.energy import Source
from trellic.video.pace import Pace


def shifted(step: int, count: int = 8) -> list[Source]:
    """Return frames that move by so many pixels each."""
    whole = textured(96, 300)
    return [Source(np.ascontiguousarray(whole[:, step * n : step * n + 128])) for n in range(1, count + 1)]


class Group:
    """A group in which mini-groups of each size have a cost, and that remembers which were coded."""

    last = Source(np.ascontiguousarray(textured(96, 300)[:, :128]))

    def __init__(self, costs: dict[int, float], sizes: tuple[int, ...] = ()) -> None:
        self.costs, self.sizes, self.coded = costs, sizes, []

    def in_steps(self, sources, size):
        self.coded.append(size)
        size = min(size, len(sources))
        return Group(self.costs, (*self.sizes, *[size] * (len(sources) // size)))

    def cost_of(self, longer):
        return self.costs[longer.sizes[-1]]


@pytest.mark.parametrize(
    ("costs", "best", "coded"),
    [
        ({8: 1.0, 4: 2.0, 2: 0.0}, 8, [8, 4]),
        ({8: 3.0, 4: 2.0, 2: 2.5, 1: 0.0}, 4, [8, 4, 2]),
        ({8: 4.0, 4: 3.0, 2: 2.0, 1: 1.0}, 1, [8, 4, 2, 1]),
    ],
)
def test_smaller_sizes_are_tried_while_they_are_better(costs, best, coded):
    group = Group(costs)
    assert Pace().plus(group, shifted(1)).sizes == (best,) * (8 // best)
    assert group.coded == coded


def test_a_size_is_kept_while_frames_move_alike():
    group, pace = Group({8: 2.0, 4: 1.0, 2: 3.0, 1: 4.0}), Pace()
    pace.plus(group, shifted(3))
    group.coded.clear()
    assert pace.plus(group, shifted(3)).sizes == (4, 4)
    assert pace.plus(group, shifted(9, 4)).sizes == (4,)
    assert pace.plus(group, shifted(9, 2)).sizes == (2,)
    assert group.coded == [4, 4, 4]
    pace.plus(group, shifted(17))
    assert group.coded == [4, 4, 4, 8, 4, 2]


def test_sizes_are_tried_by_a_quicker_encoder_where_there_is_one():
    group, quicker, pace = Group({}), Group({8: 3.0, 4: 2.0, 2: 2.5, 1: 0.0}), Pace()
    assert pace.plus(group, shifted(1), quicker).sizes == (4, 4)
    assert pace.plus(group, shifted(1), quicker).sizes == (4, 4)
    assert (quicker.coded, group.coded) == ([8, 4, 2], [4, 4])
