"""A field comes back as it was coded; what no encoder writes is refused."""

import numpy as np
import pytest

from trellic.entropy.rans import Decoder, Encoder
from trellic.errors import DamagedStream
from trellic.video.field import Field, indices_of, pull_field, push_field
from trellic.video.motion import FIRST, SPLIT, VECTOR
from trellic.video.tables import DIFFERENCES, MODES, RADII, USED, motion_tables


def random_field(references: int, seed: int = 0) -> Field:
    random = np.random.default_rng(seed)
    field = Field.empty(90, 150)
    modes, directions, differences = field.symbols
    modes[:] = random.integers(0, 7, modes.shape)
    sent = (modes == VECTOR) | (modes == SPLIT)
    directions[sent] = random.integers(1, 4, sent.sum()) if references == 2 else FIRST
    values = np.rint(random.laplace(0, 20, differences.shape)).astype(np.int16)
    for cell in range(4):
        for reference in range(2):
            coded = sent & ((directions >> reference) & 1 == 1) & ((cell == 0) | (modes == SPLIT))
            differences[coded, cell, reference] = values[coded, cell, reference]
    field.skipped[:] = random.integers(0, 2, field.skipped.shape)
    return field


@pytest.mark.parametrize("references", [1, 2])
def test_a_field_comes_back(references):
    field, coder = random_field(references), Encoder(single=True)
    push_field(coder, field, references)
    decoder = Decoder(coder.finish(), single=True)
    found = pull_field(decoder, 90, 150, references)
    decoder.finish()
    for one, other in zip((*field.symbols, field.skipped), (*found.symbols, found.skipped), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("value", [-4, 4, 300])
def test_impossible_modes_are_refused(value):
    coder = Encoder(single=True)
    coder.push(np.full(60, MODES, np.uint8), np.full(60, value, np.int32), motion_tables())
    with pytest.raises(DamagedStream):
        pull_field(Decoder(coder.finish(), single=True), 90, 150, 1)


def test_impossible_differences_are_refused():
    coder, tables = Encoder(single=True), motion_tables()
    indices = np.array([VECTOR - 3, 20000], np.int32)
    coder.push(np.array([MODES, DIFFERENCES], np.uint8), indices, tables)
    with pytest.raises(DamagedStream):
        pull_field(Decoder(coder.finish(), single=True), 16, 16, 1)


def test_data_that_end_early_are_refused():
    coder = Encoder(single=True)
    push_field(coder, random_field(1), 1)
    with pytest.raises(DamagedStream):
        pull_field(Decoder(coder.finish()[:40], single=True), 90, 150, 1)


def test_tables_are_chosen_by_what_is_known_to_a_decoder():
    field = random_field(2)
    cdf_indices, _ = indices_of(field, 2)
    assert set(cdf_indices) <= set(range(USED))
    assert len(RADII) == USED
    assert motion_tables().radius[:USED].tolist() == list(RADII)
