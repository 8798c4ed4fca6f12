"""Motion: what symbols stand for, and what cannot be."""

import pytest

from trellic.errors import DamagedStream
from trellic.video.motion import (
    BOTH,
    DIRECT,
    FIRST,
    GREY,
    LEFT,
    LONGEST,
    MEDIAN,
    NONE,
    SECOND,
    SPLIT,
    VECTOR,
    Motion,
    Symbols,
    direct_vectors,
    resolve,
    scaled,
)

STILL = Motion.still(32, 48)


def symbols(**at):
    """Return symbols of 2×3 macroblocks: mode, direction and differences by "yx"."""
    found = Symbols.empty(32, 48)
    for place, (mode, direction, differences) in at.items():
        y, x = int(place[1]), int(place[2])
        found.modes[y, x], found.directions[y, x] = mode, direction
        for cell, values in enumerate(differences):
            found.differences[y, x, cell] = values
    return found


def test_no_symbols_are_no_motion():
    found = resolve(symbols(), STILL.vectors, (1,))
    assert not found.vectors.any()
    assert (found.directions == FIRST).all()


def test_a_vector_is_its_prediction_and_a_difference():
    given = symbols(m00=(VECTOR, FIRST, [[[8, -4], [0, 0]]]), m01=(VECTOR, FIRST, [[[2, 1], [0, 0]]]))
    found = resolve(given, STILL.vectors, (1,))
    assert found.vectors[0, 0, 0].tolist() == [8, -4]
    assert found.vectors[1, 3, 0].tolist() == [10, -3]  # in the first row, the left one is the prediction
    assert found.vectors[0, 4, 0].tolist() == [10, -3]  # the median of what goes on


def test_cells_of_a_split_are_predicted_from_those_before():
    cells = [[[4, 0], [0, 0]], [[4, 3], [0, 0]], [[2, 1], [0, 0]], [[1, 1], [0, 0]]]
    found = resolve(symbols(m00=(SPLIT, FIRST, cells)), STILL.vectors, (1,))
    assert found.vectors[:2, :2, 0].reshape(4, 2).tolist() == [[4, 0], [8, 3], [6, 1], [7, 2]]


def test_the_vector_that_is_not_sent_is_the_other_one_scaled():
    given = symbols(m00=(VECTOR, SECOND, [[[0, 0], [5, -3]]]))
    found = resolve(given, STILL.vectors, (2, -1))
    assert found.vectors[0, 0].tolist() == [[-10, 6], [5, -3]]
    assert found.directions[0, 0] == SECOND


@pytest.mark.parametrize(
    ("value", "to", "of", "wanted"), [(3, 1, 2, 2), (-3, 1, 2, -1), (7, -2, -2, 7), (9, 4, -2, -18)]
)
def test_scaling_rounds_half_up(value, to, of, wanted):
    assert scaled(value, to, of) == wanted


def test_direct_motion_goes_on_as_that_of_the_last_reference():
    before = resolve(symbols(m00=(VECTOR, FIRST, [[[8, 4], [0, 0]]])), STILL.vectors, (4,))
    direct = direct_vectors(before, (1, -3))
    found = resolve(symbols(m00=(DIRECT, NONE, [])), direct, (1, -3))
    assert found.vectors[0, 0].tolist() == [[2, 1], [-6, -3]]
    assert found.directions[0, 0] == BOTH
    assert not direct_vectors(Motion.still(32, 48), (1, -3)).any()


def test_direct_motion_turns_for_a_reference_that_comes_later():
    before = resolve(symbols(m00=(VECTOR, FIRST, [[[5, -2], [0, 0]]])), STILL.vectors, (-2,))
    assert direct_vectors(before, (1, -1))[0, 0].tolist() == [[-2, 1], [3, -1]]


def test_the_median_has_the_direction_of_the_left_one_else_of_the_one_above():
    given = symbols(
        m00=(VECTOR, FIRST, [[[4, 4], [0, 0]]]),
        m01=(MEDIAN, NONE, []),
        m02=(VECTOR, SECOND, [[[0, 0], [4, 4]]]),
        m10=(MEDIAN, NONE, []),
        m11=(GREY, NONE, []),
        m12=(MEDIAN, NONE, []),
    )
    found = resolve(given, STILL.vectors, (1, -1)).directions[::2, ::2]
    assert found.tolist() == [[FIRST, FIRST, SECOND], [FIRST, NONE, SECOND]]
    assert resolve(symbols(), STILL.vectors, (1, -1)).directions[0, 0] == BOTH


def test_neighbours_of_grey_are_grey_where_they_merge_and_else_look_further():
    given = symbols(m00=(GREY, NONE, []), m01=(LEFT, NONE, []))
    found = resolve(given, STILL.vectors, (1, -1))
    assert found.directions[0].tolist() == [NONE] * 4 + [BOTH] * 2


def test_vectors_beyond_the_limit_are_refused():
    given = symbols(m00=(VECTOR, FIRST, [[[LONGEST, 0], [0, 0]]]), m01=(VECTOR, FIRST, [[[1, 0], [0, 0]]]))
    with pytest.raises(DamagedStream):
        resolve(given, STILL.vectors, (1,))
