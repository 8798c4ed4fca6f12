"""Tiles cover a picture once, and a region is found in them."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellic.container import Box, Grid
from trellic.container.grid import LEAST_SIDE, MOST_AT_ONCE, MOST_SIDE
from trellic.errors import UnsupportedStream


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(256, 2000))
def test_tiles_cover_every_pixel_once(width, height, side):
    grid = Grid.of(width, height, side)
    boxes = [grid.tile(number) for number in range(grid.tiles)]
    assert sum(box.width * box.height for box in boxes) == grid.picture.width * grid.picture.height
    assert all(box.common(grid.picture) == box and box.width > 0 < box.height for box in boxes)
    assert all(edge % 64 == 0 for box in boxes for edge in box)
    assert len({(box.left, box.top) for box in boxes}) == len(boxes)
    assert max(grid.tile_width, grid.tile_height) <= 1.5 * side + 64
    if len(boxes) > 1:
        assert Grid.tiled(*grid[:4]) == grid


@given(st.data())
def test_a_region_touches_the_tiles_that_hold_its_pixels(data):
    grid = Grid.of(data.draw(st.integers(300, 3000)), data.draw(st.integers(300, 3000)), 256)
    left, top = data.draw(st.integers(0, grid.width - 1)), data.draw(st.integers(0, grid.height - 1))
    region = Box(left, top, data.draw(st.integers(left + 1, grid.width)), data.draw(st.integers(top + 1, grid.height)))
    shared = [grid.tile(number).common(region) for number in range(grid.tiles)]
    expected = [number for number, box in enumerate(shared) if box.width > 0 and box.height > 0]
    assert list(grid.touching(region)) == expected


def test_tiles_worked_on_at_a_time_have_a_bounded_number_of_pixels():
    for side in (64, 1024, MOST_SIDE):
        grid = Grid.of(8 * side, 8 * side, max(side, LEAST_SIDE))
        assert grid.at_once * grid.tile_width * grid.tile_height <= MOST_AT_ONCE
    assert Grid.of(100, 100, 1024).at_once == 1
    largest = Grid.of(round(1.49 * MOST_SIDE), round(1.49 * MOST_SIDE), MOST_SIDE)
    largest.check(sys.maxsize)
    with pytest.raises(UnsupportedStream):
        Grid(5632, 5632, 5632, 5632).check(sys.maxsize)


def test_blocks_have_the_side_that_is_asked_for():
    grid = Grid.of_blocks(300, 100, 128)
    assert [grid.tile(number) for number in range(grid.tiles)] == [
        (0, 0, 128, 128), (128, 0, 256, 128), (256, 0, 320, 128)
    ]  # fmt: skip
    assert grid.predicted
    assert not Grid.of_blocks(128, 100, 128).predicted
    grid = Grid.of_blocks(400, 300, 128)
    assert [grid.is_black(number) for number in range(8)] == [True, False, True, False, False, True, False, True]
    assert (grid.beside(0), grid.beside(5)) == ((None, None, 1, 4), (4, 1, 6, 9))
