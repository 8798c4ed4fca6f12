"""What a picture is: its size within what a stream can say."""

import sys

import pytest

from trellic.container.header import LARGEST_SIDE
from trellic.errors import PictureTooLarge
from trellic.picture.types import check_size


def test_a_side_that_no_stream_can_say_is_refused():
    with pytest.raises(PictureTooLarge):
        check_size(LARGEST_SIDE + 1, 1, sys.maxsize)
