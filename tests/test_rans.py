"""Range coding: whatever goes in comes out, at the promised size, and damage is noticed."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellic.entropy.rans import Decoder, Encoder, estimate_bits
from trellic.entropy.tables import ESCAPE_LIMIT, ROWS, SKIPPED_ROWS, Tables, gaussian_tables
from trellic.errors import DamagedStream

TABLES = gaussian_tables()
PASSES = st.lists(
    st.lists(st.tuples(st.integers(SKIPPED_ROWS, ROWS - 1), st.integers(-ESCAPE_LIMIT, ESCAPE_LIMIT)), max_size=40),
    max_size=5,
)


def likely_pass(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows, and indices drawn from them."""
    random = np.random.default_rng(seed)
    rows = random.integers(SKIPPED_ROWS, 40, count).astype(np.uint8)
    scales = 0.11 * np.exp(rows * np.log(256 / 0.11) / 63)
    indices = np.rint(random.normal(size=count) * scales).astype(np.int32)
    return rows, indices


def coded(passes: list[tuple[np.ndarray, np.ndarray]]) -> bytes:
    encoder = Encoder()
    for rows, indices in passes:
        encoder.push(rows, indices, TABLES)
    return encoder.finish()


@given(PASSES)
@settings(deadline=None, max_examples=100)
def test_every_index_survives_escapes_included(passes):
    arrays = [
        (np.array([row for row, _ in part], np.uint8), np.array([index for _, index in part], np.int32))
        for part in passes
    ]
    decoder = Decoder(coded(arrays))
    for rows, indices in arrays:
        assert decoder.pull(rows, TABLES).tolist() == indices.tolist()
    decoder.finish()


def test_size_is_the_estimate_and_five_bytes_of_states():
    beyond = []
    for seed in range(100):
        rows, indices = likely_pass(2000, seed)
        beyond.append(len(coded([(rows, indices)])) - estimate_bits(rows, indices, TABLES) / 8)
    assert min(beyond) > 0
    assert max(beyond) < 11
    assert np.mean(beyond) < 5


def test_nothing_coded_takes_no_bytes():
    assert coded([]) == coded([(np.empty(0, np.uint8), np.empty(0, np.int32))]) == b""
    Decoder(b"").finish()


def test_a_state_that_lags_behind_starts_from_a_larger_one():
    """All that costs bits falls on one of the two states: it writes words while the other is empty."""
    indices = np.tile(np.array([0, 1], np.int32), 100)
    rows = np.full(len(indices), SKIPPED_ROWS, np.uint8)
    data = coded([(rows, indices)])
    assert data[0] & 1
    decoder = Decoder(data)
    assert decoder.pull(rows, TABLES).tolist() == indices.tolist()
    decoder.finish()


@given(st.lists(st.sampled_from([0, 0, 0, 1, -1, 7]), max_size=30), st.integers(1, 300))
@settings(deadline=None, max_examples=200)
def test_skewed_tables_fill_the_states_unevenly_and_still_survive(symbols, repeats):
    """One state may write a word while the other is still small: then both must start from 2³¹."""
    skewed = Tables.of_frequencies([np.array([1, 65533, 1, 1], np.uint32)] * ROWS)
    indices = np.array(symbols * repeats, np.int32)
    rows = np.full(len(indices), SKIPPED_ROWS, np.uint8)
    encoder = Encoder()
    encoder.push(rows, indices, skewed)
    decoder = Decoder(encoder.finish())
    assert decoder.pull(rows, skewed).tolist() == indices.tolist()
    decoder.finish()


def test_every_truncation_is_noticed():
    rows, indices = likely_pass(300, 2)
    data = coded([(rows, indices)])
    for length in range(len(data)):
        with pytest.raises(DamagedStream):
            read_all(data[:length], rows)


def test_most_flipped_bits_are_noticed_and_none_crashes():
    rows, indices = likely_pass(300, 3)
    data = coded([(rows, indices)])
    noticed = 0
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        try:
            read_all(bytes(damaged), rows)
        except DamagedStream:
            noticed += 1
    assert noticed > 0.99 * 8 * len(data)


def read_all(data: bytes, rows: np.ndarray) -> None:
    decoder = Decoder(data)
    decoder.pull(rows, TABLES)
    decoder.finish()


def test_tables_are_distributions_of_positive_integers():
    for start, end in zip(TABLES.start[:-1], TABLES.start[1:], strict=True):
        row = TABLES.frequency[start:end]
        assert row.sum() == 1 << 16
        assert row.min() >= 1
        assert (row[:-1] == row[:-1][::-1]).all()


def test_bytes_of_the_coder_are_pinned():
    """A change here is a change of the format: it needs a new version."""
    row = np.array([1000, 7000, 49_000, 7000, 1000, 536], np.uint32)
    tables = Tables.of_frequencies([row] * ROWS)
    random = np.random.default_rng(5)
    encoder = Encoder()
    rows = random.integers(0, ROWS, 5000).astype(np.uint8)
    rows = rows[rows >= SKIPPED_ROWS]
    encoder.push(rows, np.zeros(len(rows), np.int32), tables)
    rows = random.integers(SKIPPED_ROWS, ROWS, 5000).astype(np.uint8)
    encoder.push(rows, random.integers(-9, 10, 5000).astype(np.int32), tables)
    assert hashlib.sha256(encoder.finish()).hexdigest()[:16] == "549cd049915986e5"
