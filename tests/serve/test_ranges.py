import pytest

from trellic.serve.answers import Refused
from trellic.serve.ranges import range_of


@pytest.mark.parametrize(
    ("header", "expected"),
    [("bytes=0-9", (0, 10)), ("bytes=10-", (10, 100)), ("bytes=-7", (93, 100)), ("bytes=0-999", (0, 100)),
     ("bytes=-999", (0, 100)), ("Bytes= 5 - 5 ", (5, 6))],
)  # fmt: skip
def test_one_range_is_found(header, expected):
    assert range_of(header, 100) == expected


@pytest.mark.parametrize(
    "header",
    ["", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "lines=0-1", "bytes=١-٢", "bytes=0-1x"],
)
def test_what_is_no_single_range_means_all(header):
    assert range_of(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", f"bytes={'9' * 18}-"])
def test_a_range_outside_is_refused(header):
    with pytest.raises(Refused) as refused:
        range_of(header, 100)
    assert refused.value.status == 416


def test_numbers_of_any_length_take_no_time():
    assert range_of(f"bytes=0-{'9' * 60000}", 100) is None
