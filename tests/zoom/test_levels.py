"""Levels: the last is the picture, the first one tile, and tiles of each cover it."""

import pytest

from trellic.zoom.levels import TILE, Levels


@pytest.mark.parametrize(("size", "last"), [((1, 1), 0), ((256, 256), 0), ((257, 10), 1), ((10_000, 3_000), 6)])
def test_levels_end_at_the_pictures_size_and_begin_with_one_tile(size, last):
    levels = Levels(*size)
    assert levels.last == last
    assert levels.size(last) == size
    assert max(levels.size(0)) <= TILE


def test_tiles_of_a_level_cover_the_picture():
    levels = Levels(1000, 300)
    assert [levels.size(level) for level in range(3)] == [(250, 75), (500, 150), (1000, 300)]
    for level in range(3):
        found = [
            place for place in ((column, row) for column in range(9) for row in range(9)) if levels.has(level, *place)
        ]
        regions = [levels.region(level, *place) for place in found]
        assert sum(width * height for *_, width, height in regions) == 1000 * 300
    assert levels.region(1, 1, 0) == (512, 0, 488, 300)
    assert not any(levels.has(*place) for place in ((-1, 0, 0), (3, 0, 0), (0, 1, 0), (2, 4, 0), (2, 0, 2), (2, -1, 0)))
