"""What is done at each effort beside quantizing: more and more, and never a correction that is not wanted."""

import pytest

from trellic.codec.refinement import Refinement, refinement_of


@pytest.mark.parametrize(
    ("effort", "found"),
    [(1, (0, False)), (2, (0, False)), (3, (0, True)), (4, (0, True)), (5, (0, True, True)), (7, (0, True, True))],
)
def test_quick_efforts_do_not_search(effort, found):
    assert refinement_of(effort) == Refinement(*found)


def test_the_smallest_files_take_the_longest_search():
    assert 0 == refinement_of(7).rounds < refinement_of(8).rounds < refinement_of(9).rounds


@pytest.mark.parametrize("effort", range(1, 10))
def test_nothing_is_corrected_that_is_to_stay_as_it_is(effort):
    assert refinement_of(effort, restore=False) == refinement_of(effort)._replace(restores=False)
