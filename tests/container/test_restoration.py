"""Weights of the restoration filter come back from a header as they were; what no encoder writes is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellic.container import Grid, Header
from trellic.container.bytes import Reader
from trellic.container.restoration import (
    BANDED,
    BANDS,
    FEATURES,
    LARGEST,
    PLANES,
    code_of,
    deblocks,
    read_weights,
    regions_of,
    write_weights,
)
from trellic.errors import DamagedStream, TrellicError, UnsupportedStream

SPARSE = np.zeros((1 + BANDS, PLANES, FEATURES), np.int8)
SPARSE[0, 0, 10], SPARSE[0, 2, 3] = 5, -LARGEST
WITH_BANDS = SPARSE.copy()
WITH_BANDS[3, 1, 1], WITH_BANDS[8, 2, 3] = -1, LARGEST
ONES = "1" * PLANES * FEATURES


def drawn(seed: int) -> list[np.ndarray | None]:
    """Return weights of some regions; where the seed is odd, of bands, too."""
    random, found = np.random.default_rng(seed), []
    for _ in range(random.integers(1, 9)):
        weights = random.integers(-LARGEST // 2 + 1, LARGEST // 2 + 1, (1 + BANDS, PLANES, FEATURES)).astype(np.int8)
        weights[1:] *= (seed % 2) * (random.random((BANDS, 1, 1)) < 0.5)
        found.append(weights if random.random() < 0.7 else None)
    return found


def bits(text: str, kind: bytes = b"\1") -> bytes:
    """Return the part of a header whose bits are given, filled up with zeros."""
    padded = text + "0" * (-len(text) % 8)
    return kind + int(padded, 2).to_bytes(len(padded) // 8, "big")


@pytest.mark.parametrize("seed", range(8))
def test_weights_of_regions_come_back(seed):
    regions = drawn(seed)
    for found, given_ in zip(read_weights(write_weights(regions), len(regions)), regions, strict=True):
        assert (found is None) == (given_ is None)
        assert found is None or (found.dtype == np.int8 and np.array_equal(found, given_))


@pytest.mark.parametrize("weights", [None, SPARSE, WITH_BANDS])
def test_blocks_that_are_deblocked_say_so_by_another_kind(weights):
    regions = [weights, None]
    written, plain = write_weights(regions, deblocks=True), write_weights(regions) or b"\1\0"
    assert written == bytes([plain[0] + 2]) + plain[1:]
    assert deblocks(written)
    assert not deblocks(plain)
    for found, given_ in zip(read_weights(written, 2, blocks=True), regions, strict=True):
        assert np.array_equal(found, given_)
    with pytest.raises(UnsupportedStream, match=f"kind {written[0]}"):
        read_weights(written, 2)  # of tiles


def test_codes_are_those_of_the_specification():
    assert [code_of(weight) for weight in (0, 1, -1, 2, -2, LARGEST, -LARGEST)] == [
        "1", "010", "011", "00100", "00101", "0000001111110", "0000001111111"
    ]  # fmt: skip


def test_weights_that_are_zero_take_a_bit_each():
    assert write_weights([None, None]) == b""
    assert write_weights([None, SPARSE * 0]) == bits("01" + ONES)


def test_a_band_whose_weights_do_not_differ_takes_a_bit():
    weights = np.zeros_like(SPARSE)
    weights[2, 0, 0] = 1
    assert write_weights([weights, SPARSE * 0]) == bits(
        "1" + ONES + "01" + "010" + ONES[1:] + "000000" + "1" + ONES + "0" * BANDS, b"\2"
    )


def test_regions_are_tiles_or_groups_of_blocks():
    assert regions_of(Grid(300, 200, 192, 128)) == Grid(300, 200, 192, 128)
    assert regions_of(Grid(3000, 200, 128, 128, predicted=True)) == Grid(3000, 200, 1024, 256)


@pytest.mark.parametrize(
    ("damaged", "error"),
    [
        (b"\3" + write_weights([SPARSE])[1:], UnsupportedStream),
        (b"\0" + write_weights([SPARSE])[1:], UnsupportedStream),
        (b"\2" + write_weights([SPARSE])[1:], DamagedStream),
        (write_weights([WITH_BANDS])[:-2], DamagedStream),
        (bits("1" + "0000001111110" + ONES[1:] + "1" + "010" + ONES[1:] + "0000000", b"\2"), DamagedStream),
        (b"\1", DamagedStream),
        (write_weights([SPARSE])[:-1], DamagedStream),
        (write_weights([SPARSE]) + b"\0", DamagedStream),
        (write_weights([SPARSE])[:-1] + bytes([write_weights([SPARSE])[-1] | 1]), DamagedStream),
        (write_weights([SPARSE, None]), DamagedStream),
        (bits("1" + "0" * 7 + "10000000" + "1" * (PLANES * FEATURES - 1)), DamagedStream),
        (bits("1" + "0" * 6), DamagedStream),
    ],
)
def test_what_no_encoder_writes_is_refused(damaged, error):
    with pytest.raises(error):
        read_weights(damaged, 1 if damaged != write_weights([SPARSE, None]) else 12)


@given(st.binary(max_size=200), st.integers(1, 40), st.booleans())
def test_any_bytes_are_read_or_refused(data, count, blocks):
    try:
        regions = read_weights(data, count, blocks)
    except TrellicError:
        return
    assert len(regions) == count
    banded = not data or data[0] in {BANDED, BANDED + 2}  # maybe by bands that add nothing
    assert write_weights(regions, deblocks(data)) in {data, b""} or banded


def test_a_header_holds_them_and_says_so():
    restoration = write_weights([SPARSE])
    header = Header(b"1234", Grid.whole(70, 80), 12800, 9, restoration=restoration)
    written = header.write(indexed=False)
    assert Header.read(Reader(written)) == (header, False)
    assert len(written) == len(Header(b"1234", Grid.whole(70, 80), 12800, 9).write(indexed=False)) + 2 + len(
        restoration
    )


def test_a_header_that_announces_none_is_refused():
    written = Header(b"1234", Grid.whole(70, 80), 12800, 9, restoration=b"?").write(indexed=False)
    with pytest.raises(DamagedStream, match="no bytes"):
        Header.read(Reader(written[:-2] + b"\0"))
