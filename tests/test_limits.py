"""A picture's size is within what a stream can say, and within the limit."""

import sys

import pytest

from trellic.errors import BadRequest, PictureTooLarge
from trellic.limits import LARGEST_SIDE, check_size


def test_sizes_beyond_a_limit_are_refused():
    for width, height, limit in ((LARGEST_SIDE + 1, 1, sys.maxsize), (10, 10, 99)):
        with pytest.raises(PictureTooLarge):
            check_size(width, height, limit)
    with pytest.raises(BadRequest):
        check_size(0, 3, 99)
    check_size(10, 10, 100)
