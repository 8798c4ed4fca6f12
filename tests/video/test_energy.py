"""Energies say where scenes begin, and how far apart frames may be that predict those between."""

import numpy as np
import pytest

from conftest import textured
from trellic.video.energy import Lookahead, Source, mini_group_for


def shifted(step: int, count: int = 9) -> list[Source]:
    """Return frames that move by so many pixels each."""
    whole = textured(96, 400)
    return [Source(np.ascontiguousarray(whole[:, step * n : step * n + 128])) for n in range(count)]


def test_motion_within_reach_has_no_energy():
    still, moved = shifted(4, 2)
    assert moved.energy(still) < still.activity / 4
    assert not moved.begins_scene(still)


def test_another_picture_begins_a_scene():
    other = Source(np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8))
    assert other.begins_scene(shifted(0, 1)[0])


@pytest.mark.parametrize(("step", "size"), [(1, 8), (6, 4)])
def test_the_farther_frames_move_the_smaller_mini_groups_are(step, size):
    before, *following = shifted(step)
    assert mini_group_for(before, following) == size


def test_frames_that_are_not_explained_are_predicted_one_by_one():
    random = np.random.default_rng(0)
    before, *following = [Source(random.integers(0, 256, (96, 128, 3), dtype=np.uint8)) for _ in range(9)]
    assert mini_group_for(before, following) == 1


def test_no_mini_group_is_larger_than_what_follows():
    before, *following = shifted(1, 4)
    assert mini_group_for(before, following) == 2


def test_frames_are_read_no_further_than_asked_for():
    frames = iter([np.full((16, 16, 3), value, np.uint8) for value in range(5)])
    ahead = Lookahead(frames)
    assert len(ahead.peek(2)) == 2
    assert next(frames)[0, 0, 0] == 2
    assert [source.pixels[0, 0, 0] for source in ahead.take(9)] == [0, 1, 3, 4]
    assert ahead.peek(1) == []
