"""Scales corrected by what is decoded: as docs/format.md says, alike in both directions, and for fewer bits."""

import numpy as np
import pytest

from trellic.entropy.bits import estimate_bits
from trellic.entropy.correction import Decoded, correct
from trellic.entropy.rans import Decoder, Encoder
from trellic.entropy.states import ONE_STATE, walk
from trellic.entropy.tables import SCALES, SKIPPED_SCALES, Tables, gaussian_tables
from trellic.quantize import quantizer_named

SHAPE = 5, 6, 7
WEIGHTS = 130, 60, 100
MASKS = [np.indices(SHAPE[1:]).sum(axis=0) % 2 == parity for parity in (0, 1)]


def passes(seed=0, larger=1.0):
    """Two passes of the same channels: positions, scale indices, and indices larger than these say by a factor."""
    random = np.random.default_rng(seed)
    scale_indices = random.integers(0, 45, SHAPE).astype(np.uint8)
    scales = larger * 0.11 * np.exp(scale_indices * np.log(256 / 0.11) / 63)
    indices = np.rint(random.normal(size=SHAPE) * scales).astype(np.int32)
    for mask in MASKS:
        coded = (mask & (scale_indices >= SKIPPED_SCALES)).reshape(-1)
        positions = np.flatnonzero(coded).astype(np.int32)
        yield positions, scale_indices.reshape(-1)[positions], indices.reshape(-1)[positions]


def log(value):
    exponent = int(value).bit_length() - 1
    return 256 * exponent + 256 * (int(value) - 2**exponent) // 2**exponent


def by_the_text(tables: Tables, weights, given):
    """Follow docs/format.md, slowly: corrected cdf indices of passes."""
    channels, height, width = SHAPE
    magnitudes, expected = np.zeros(SHAPE, int), np.zeros(SHAPE, int)
    means = []
    for start, end, radius in zip(tables.start, tables.start[1:], tables.radius, strict=False):
        symbols = [*(min(abs(k), 15) for k in range(-radius, radius + 1)), 15]
        means.append((int(np.dot(tables.frequency[start:end].astype(int), symbols)) + 128) // 256)
    neighbours = [(-2, 0), (-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, 0)]
    for positions, cdf_indices, indices in given:
        found, column = [], np.zeros((2, height, width), int)
        for channel in range(channels):
            column -= column // 32 if channel else 0
            for row in range(height):
                here = [n for n, at in enumerate(positions) if divmod(int(at), width)[0] == channel * height + row]
                columns = [int(positions[n]) % width for n in here]
                whole = magnitudes[channel].sum(), expected[channel].sum()
                for n, at in zip(here, columns, strict=True):
                    near = [
                        (row + y, at + x) for y, x in neighbours if row + y in range(height) and at + x in range(width)
                    ]
                    around = [sum(int(plane[channel][at_one]) for at_one in near) for plane in (magnitudes, expected)]
                    pairs = column[:, row, at], around, whole
                    moved = 2**13
                    for weight, (one, other), flat in zip(weights, pairs, (768, 1024, 2048), strict=True):
                        moved += weight * (log(one + flat) - log(other + flat))
                    scale_index = int(cdf_indices[n]) % 64
                    found.append(int(cdf_indices[n]) - scale_index + min(max(scale_index + moved // 2**14, 0), 63))
                for n, at in zip(here, columns, strict=True):
                    magnitudes[channel, row, at] = min(abs(int(indices[n])), 15) * 256
                    expected[channel, row, at] = means[cdf_indices[n]]
                    column[:, row, at] += magnitudes[channel, row, at], expected[channel, row, at]
        yield found


@pytest.mark.parametrize("sets", [1, 2])
@pytest.mark.parametrize("larger", [0.5, 2.0])
def test_corrections_are_those_of_the_format(sets, larger):
    tables = gaussian_tables(sets)
    given = [
        (positions, scale_indices + 64 * (np.arange(len(positions)) % sets).astype(np.uint8), indices)
        for positions, scale_indices, indices in passes(1, larger)
    ]
    decoded = Decoded(*SHAPE)
    found = [
        correct(decoded.correction(WEIGHTS, tables, positions), cdf_indices, indices).tolist()
        for positions, cdf_indices, indices in given
    ]
    assert found == list(by_the_text(tables, WEIGHTS, given))
    assert found != [cdf_indices.tolist() for _, cdf_indices, _ in given]


@pytest.mark.parametrize("larger", [1.0, 0.02, 40.0])  # the last two move scale indices as far as they go
@pytest.mark.parametrize("states", [ONE_STATE, quantizer_named("tcq8").states])
def test_a_decoder_corrects_as_the_encoder_did(states, larger):
    tables, encoder, state, wanted = gaussian_tables(states.set_count), Encoder(), 0, []
    decoded = Decoded(*SHAPE)
    for positions, scale_indices, indices in passes(0, larger):
        cdf_indices, state = walk(states, scale_indices, indices, state)
        cdf_indices = correct(decoded.correction(WEIGHTS, tables, positions), cdf_indices, indices)
        encoder.push(cdf_indices, indices, tables)
        wanted.append((indices.tolist(), cdf_indices.tolist()))
    decoder, state, decoded = Decoder(encoder.finish()), 0, Decoded(*SHAPE)
    for (positions, scale_indices, _), expected in zip(passes(0, larger), wanted, strict=True):
        before = scale_indices.copy()
        correction = decoded.correction(WEIGHTS, tables, positions)
        indices, cdf_indices, state = decoder.pull_by(states, scale_indices, tables, state, correction)
        assert (indices.tolist(), cdf_indices.tolist()) == expected
        assert np.array_equal(scale_indices, before)
    decoder.finish()


@pytest.mark.parametrize("larger", [0.3, 3.0])
def test_scales_that_are_wrong_everywhere_cost_fewer_bits(larger):
    tables, decoded, before, after = gaussian_tables(), Decoded(*SHAPE), 0.0, 0.0
    for positions, scale_indices, indices in passes(2, larger):
        corrected = correct(decoded.correction(WEIGHTS, tables, positions), scale_indices, indices)
        before += estimate_bits(scale_indices, indices, tables)
        after += estimate_bits(corrected, indices, tables)
    assert after < 0.95 * before


def test_without_weights_nothing_is_corrected():
    positions, scale_indices, indices = next(passes())
    correction = Decoded(*SHAPE).correction((0, 0, 0), gaussian_tables(), positions)
    assert np.array_equal(correct(correction, scale_indices, indices), scale_indices)
    assert scale_indices.max() < SCALES
