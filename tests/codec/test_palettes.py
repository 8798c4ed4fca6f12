"""Fewer colours: what is flat stays, errors are small, and nothing is merged where that saves little."""

import numpy as np
import pytest

from codec.test_picture_encoder import text
from conftest import textured
from trellic.codec.palettes import ALL, COUNTS, ExactCost, cheapest_palette, in_colours
from trellic.container.header import HIGHEST_QUALITY

PAGE = text(128, 256)
PAGE[40:90, 100:180] = textured(50, 80)
MANY = textured(40, 40)


def colours(pixels):
    return np.unique(pixels.reshape(-1, 3), axis=0)


@pytest.mark.parametrize("count", COUNTS)
def test_there_are_no_more_colours_than_asked_for(count):
    assert len(colours(in_colours(PAGE, count))) <= count


def test_what_is_flat_stays_as_it_is():
    merged = in_colours(PAGE, 16)
    white = (PAGE == 255).all(axis=2)
    assert (merged[white] == 255).all()
    assert len(colours(merged)) > 4


def test_the_colour_of_most_stands_for_all_that_are_merged_with_it():
    drawn = np.zeros((60, 40, 3), np.uint8)
    drawn[20:40], drawn[40:] = 90, 200
    drawn[52:] = np.arange(204, 212, dtype=np.uint8)[:, None, None]  # edges whose shades lie on one side
    assert (in_colours(drawn, 3)[40:] == 200).all()


def test_errors_grow_as_colours_become_fewer_and_none_is_made_where_there_are_enough():
    errors = [np.square(PAGE.astype(int) - in_colours(PAGE, count)).sum() for count in (ALL, *COUNTS)]
    assert errors == sorted(errors)
    assert errors[0] == 0
    few = PAGE // 128 * 100
    assert np.array_equal(in_colours(few, 16), few)


def test_grey_stays_grey():
    grey = np.repeat(textured(60, 70)[:, :, :1], 3, axis=2)
    merged = in_colours(grey, 8)
    assert (merged == merged[:, :, :1]).all()


def trials(**bits):
    """Return what gives trials of these bits by number of colours, without error."""
    return lambda count: ExactCost(count, bits.get(f"of_{count}", 10_000.0), 0.0)


def test_fewer_colours_are_tried_for_as_long_as_they_cost_less():
    found = cheapest_palette(MANY, trials(of_0=1000, of_128=800, of_64=600, of_32=700, of_16=100), 12800)
    assert found.colours == 64


def test_nothing_is_merged_where_that_saves_little_or_all_is_asked_for():
    assert cheapest_palette(MANY, trials(of_0=1000, of_128=760), 12800).colours == ALL
    assert cheapest_palette(MANY, trials(of_0=1000, of_128=500), HIGHEST_QUALITY).colours == ALL


def test_only_fewer_colours_than_there_are_are_tried():
    tried = []

    def code(count):
        tried.append(count)
        return ExactCost(count, 1000.0 - len(tried), 0.0)

    ten = np.repeat(np.arange(10, dtype=np.uint8)[:, None, None], 3, axis=2)
    cheapest_palette(ten, code, 12800)
    cheapest_palette(ten[:1], code, 12800)
    assert tried == [ALL, 8, 4, ALL]
