"""Range coding: whatever goes in comes out, at the promised size, and damage is noticed."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellic.entropy.bits import estimate_bits
from trellic.entropy.rans import Decoder, Encoder
from trellic.entropy.tables import ESCAPE_LIMIT, SCALES, SKIPPED_SCALES, Tables, gaussian_tables
from trellic.errors import DamagedStream

TABLES = gaussian_tables()
PASSES = st.lists(
    st.lists(st.tuples(st.integers(SKIPPED_SCALES, SCALES - 1), st.integers(-ESCAPE_LIMIT, ESCAPE_LIMIT)), max_size=40),
    max_size=5,
)


def likely_pass(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scale indices, and indices drawn from them."""
    random = np.random.default_rng(seed)
    scale_indices = random.integers(SKIPPED_SCALES, 40, count).astype(np.uint8)
    scales = 0.11 * np.exp(scale_indices * np.log(256 / 0.11) / 63)
    indices = np.rint(random.normal(size=count) * scales).astype(np.int32)
    return scale_indices, indices


def coded(passes: list[tuple[np.ndarray, np.ndarray]]) -> bytes:
    encoder = Encoder()
    for scale_indices, indices in passes:
        encoder.push(scale_indices, indices, TABLES)
    return encoder.finish()


@given(PASSES)
@settings(deadline=None, max_examples=100)
def test_every_index_survives_escapes_included(passes):
    arrays = [
        (np.array([scale_index for scale_index, _ in part], np.uint8), np.array([index for _, index in part], np.int32))
        for part in passes
    ]
    decoder = Decoder(coded(arrays))
    for scale_indices, indices in arrays:
        assert decoder.pull(scale_indices, TABLES).tolist() == indices.tolist()
    decoder.finish()


@given(PASSES)
@settings(deadline=None, max_examples=50)
def test_a_single_state_codes_the_same_in_fewer_bytes(passes):
    encoder, plain = Encoder(single=True), Encoder()
    arrays = [
        (np.array([one for one, _ in part], np.uint8), np.array([k for _, k in part], np.int32)) for part in passes
    ]
    for scale_indices, indices in arrays:
        encoder.push(scale_indices, indices, TABLES)
        plain.push(scale_indices, indices, TABLES)
    data = encoder.finish()
    assert len(data) <= len(plain.finish()) + 1
    decoder = Decoder(data, single=True)
    for scale_indices, indices in arrays:
        assert decoder.pull(scale_indices, TABLES).tolist() == indices.tolist()
    decoder.finish()


@pytest.mark.parametrize("single", [False, True])
@given(passes=PASSES)
@settings(deadline=None, max_examples=50)
def test_marks_are_what_a_decoder_has_read_and_it_needs_no_more(single, passes):
    encoder = Encoder(single)
    arrays = [
        (np.array([one for one, _ in part], np.uint8), np.array([k for _, k in part], np.int32)) for part in passes
    ]
    for scale_indices, indices in arrays:
        encoder.push(scale_indices, indices, TABLES)
        encoder.mark()
    data = encoder.finish()
    whole = Decoder(data, single)
    for number, (scale_indices, _) in enumerate(arrays):
        whole.pull(scale_indices, TABLES)
        assert encoder.marked[number] == (whole.bytes_read if data else 0)
        part = Decoder(data[: encoder.marked[number]], single)
        for earlier, indices in arrays[: number + 1]:
            assert part.pull(earlier, TABLES).tolist() == indices.tolist()


def test_size_is_the_estimate_and_five_bytes_of_states():
    beyond = []
    for seed in range(100):
        scale_indices, indices = likely_pass(2000, seed)
        beyond.append(len(coded([(scale_indices, indices)])) - estimate_bits(scale_indices, indices, TABLES) / 8)
    assert min(beyond) > 0
    assert max(beyond) < 11
    assert np.mean(beyond) < 5


def test_escapes_are_priced_with_their_length_and_their_sign():
    random = np.random.default_rng(4)
    scale_indices = np.full(4000, SKIPPED_SCALES, np.uint8)
    indices = (random.choice([-1, 1], 4000) * random.integers(20, 60, 4000)).astype(np.int32)
    estimated = estimate_bits(scale_indices, indices, TABLES) / 8
    assert len(coded([(scale_indices, indices)])) == pytest.approx(estimated, rel=0.002)


def test_an_index_beyond_the_limit_is_refused():
    """Its excess says that it has more bits than any index has: nothing may be made of them."""
    scale_indices = np.full(2, SKIPPED_SCALES, np.uint8)
    data = coded([(scale_indices, np.array([4 * ESCAPE_LIMIT, 0], np.int32))])
    with pytest.raises(DamagedStream, match="impossible index"):
        read_all(data, scale_indices)


def test_nothing_coded_takes_no_bytes():
    assert coded([]) == coded([(np.empty(0, np.uint8), np.empty(0, np.int32))]) == b""
    Decoder(b"").finish()


def test_a_state_that_lags_behind_starts_from_a_larger_one():
    """All that costs bits falls on one of the two states: it writes words while the other is empty."""
    indices = np.tile(np.array([0, 1], np.int32), 100)
    scale_indices = np.full(len(indices), SKIPPED_SCALES, np.uint8)
    data = coded([(scale_indices, indices)])
    assert data[0] == 0
    decoder = Decoder(data)
    assert decoder.pull(scale_indices, TABLES).tolist() == indices.tolist()
    decoder.finish()


@given(st.lists(st.sampled_from([0, 0, 0, 1, -1, 7]), max_size=30), st.integers(1, 300))
@settings(deadline=None, max_examples=200)
def test_skewed_tables_fill_the_states_unevenly_and_still_survive(symbols, repeats):
    """One state may write a word while the other is still small: then both must start from 2³¹."""
    skewed = Tables.of_frequencies([np.array([1, 65533, 1, 1], np.uint32)] * SCALES)
    indices = np.array(symbols * repeats, np.int32)
    scale_indices = np.full(len(indices), SKIPPED_SCALES, np.uint8)
    encoder = Encoder()
    encoder.push(scale_indices, indices, skewed)
    decoder = Decoder(encoder.finish())
    assert decoder.pull(scale_indices, skewed).tolist() == indices.tolist()
    decoder.finish()


def test_every_truncation_is_noticed():
    scale_indices, indices = likely_pass(300, 2)
    data = coded([(scale_indices, indices)])
    for length in range(len(data)):
        with pytest.raises(DamagedStream):
            read_all(data[:length], scale_indices)


def test_data_that_ends_early_is_noticed_before_the_end():
    """Whoever reads the first passes alone, for a preview, never comes to the end."""
    scale_indices, indices = likely_pass(300, 2)
    data = coded([(scale_indices, indices)])
    with pytest.raises(DamagedStream, match="ends before"):
        Decoder(data[: len(data) // 2 // 4 * 4 + len(data) % 4]).pull(scale_indices, TABLES)


@pytest.mark.parametrize("grown", [False, True])
def test_a_word_too_many_is_noticed(grown):
    scale_indices, indices = likely_pass(300, 2)
    if grown:
        indices = np.tile(np.array([0, 1], np.int32), 100)
        scale_indices = np.full(len(indices), SKIPPED_SCALES, np.uint8)
    data = coded([(scale_indices, indices)])
    assert (data[0] == 0) == grown
    with pytest.raises(DamagedStream, match="does not end"):
        read_all(data + bytes(4), scale_indices)


def test_most_flipped_bits_are_noticed_and_none_crashes():
    scale_indices, indices = likely_pass(300, 3)
    data = coded([(scale_indices, indices)])
    noticed = 0
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        try:
            read_all(bytes(damaged), scale_indices)
        except DamagedStream:
            noticed += 1
    assert noticed > 0.99 * 8 * len(data)


def read_all(data: bytes, scale_indices: np.ndarray) -> None:
    decoder = Decoder(data)
    decoder.pull(scale_indices, TABLES)
    decoder.finish()


def test_tables_are_distributions_of_positive_integers():
    for start, end in zip(TABLES.start[:-1], TABLES.start[1:], strict=True):
        frequencies = TABLES.frequency[start:end]
        assert frequencies.sum() == 1 << 16
        assert frequencies.min() >= 1
        assert (frequencies[:-1] == frequencies[:-1][::-1]).all()


def test_bytes_of_the_coder_are_pinned():
    """A change here is a change of the format: it needs a new version."""
    frequencies = np.array([1000, 7000, 49_000, 7000, 1000, 536], np.uint32)
    tables = Tables.of_frequencies([frequencies] * SCALES)
    random = np.random.default_rng(5)
    encoder = Encoder()
    scale_indices = random.integers(0, SCALES, 5000).astype(np.uint8)
    scale_indices = scale_indices[scale_indices >= SKIPPED_SCALES]
    encoder.push(scale_indices, np.zeros(len(scale_indices), np.int32), tables)
    scale_indices = random.integers(SKIPPED_SCALES, SCALES, 5000).astype(np.uint8)
    encoder.push(scale_indices, random.integers(-9, 10, 5000).astype(np.int32), tables)
    assert hashlib.sha256(encoder.finish()).hexdigest()[:16] == "aa34df661bd4b0f6"
