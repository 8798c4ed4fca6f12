"""Orders are such that decoders of four kept frames follow them, and any part of them decodes alone."""

import pytest

from trellic.errors import DamagedStream
from trellic.video.structure import MOST_KEPT, SIZES, Kept, Turn, mini_group


def orders(size):
    turns = [Turn(0, (), 0, True)]
    for before in range(0, 32, size):
        turns += mini_group(before, size)
    return turns


@pytest.mark.parametrize("size", SIZES)
def test_references_are_kept_when_they_are_needed(size):
    kept = Kept()
    for turn in orders(size):
        assert [kept.find(number) for number in turn.references] == list(turn.references)
        if turn.kept:
            kept.keep(turn.number, turn.number)


@pytest.mark.parametrize("size", SIZES)
def test_every_frame_is_coded_once(size):
    assert sorted(turn.number for turn in orders(size)) == list(range(33))


def test_of_five_frames_the_one_longest_unused_goes():
    kept = Kept()
    for number in range(MOST_KEPT):
        kept.keep(number, number)
    kept.find(0)
    kept.keep(9, 9)
    assert kept.find(0) == 0
    with pytest.raises(DamagedStream):
        kept.find(1)


def test_what_goes_on_from_kept_frames_leaves_them_as_they_are():
    kept = Kept()
    for number in range(MOST_KEPT):
        kept.keep(number, number)
    branch = kept.copy()
    branch.keep(9, 9)
    assert kept.find(0) == 0
    assert branch.find(9) == 9
    for one, number in ((kept, 9), (branch, 0)):
        with pytest.raises(DamagedStream):
            one.find(number)
