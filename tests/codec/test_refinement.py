"""What is done at each effort beside quantizing: more and more, and never a correction that is not wanted."""

import pytest

from trellic.codec.refinement import Refinement, refinement_of


def test_the_quickest_efforts_quantize_alone_and_others_do_ever_more():
    assert refinement_of(1) == refinement_of(2) == Refinement()
    assert refinement_of(3) == refinement_of(4) == Refinement(restores=True)
    assert refinement_of(5) == refinement_of(6) == Refinement(restores=True, back_projects=True)


def test_the_smallest_files_take_the_longest_search():
    rounds = [refinement_of(effort).rounds for effort in (6, 7, 8, 9)]
    assert rounds[0] == 0
    assert rounds == sorted(set(rounds))


def test_blocks_and_frames_are_searched_from_effort_8_on():
    assert refinement_of(7, parts=True) == refinement_of(6)
    assert refinement_of(8, parts=True) == refinement_of(8)


@pytest.mark.parametrize("effort", range(1, 10))
def test_nothing_is_corrected_that_is_to_stay_as_it_is(effort):
    assert refinement_of(effort, restore=False) == refinement_of(effort)._replace(restores=False)
