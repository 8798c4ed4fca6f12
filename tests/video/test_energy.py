"""Energies say where scenes begin; frames are read as far ahead as they are needed."""

import numpy as np

from conftest import textured
from trellic.video.energy import Lookahead, Source


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


def test_frames_are_read_no_further_than_asked_for():
    frames = iter([np.full((16, 16, 3), value, np.uint8) for value in range(5)])
    ahead = Lookahead(frames)
    assert len(ahead.peek(2)) == 2
    assert next(frames)[0, 0, 0] == 2
    assert [source.pixels[0, 0, 0] for source in ahead.take(9)] == [0, 1, 3, 4]
    assert ahead.peek(1) == []
