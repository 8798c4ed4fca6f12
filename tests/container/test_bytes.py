"""Numbers survive, in one form only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellic.container.bytes import Reader, varint
from trellic.errors import DamagedStream, IncompleteStream


@given(st.integers(0, (1 << 35) - 1))
def test_varints_survive(value):
    assert Reader(varint(value)).varint() == value


@pytest.mark.parametrize("malformed", [b"\x80\x00", b"\xff\xff\xff\xff\xff\x01"])
def test_a_number_that_is_longer_than_it_must_be_is_refused(malformed):
    with pytest.raises(DamagedStream, match="malformed number"):
        Reader(malformed).varint()


def test_what_is_not_there_is_said():
    reader = Reader(bytes(10_000), IncompleteStream)
    assert len(reader.take(9_000)) == 9_000
    with pytest.raises(IncompleteStream, match="1001 bytes needed at byte 9000, 1000 left"):
        reader.take(1_001)
