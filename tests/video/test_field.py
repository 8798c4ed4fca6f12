"""A field comes back as it was coded; what no encoder writes is refused."""

import numpy as np
import pytest

from trellic.entropy.rans import Decoder, Encoder
from trellic.errors import DamagedStream
from trellic.video.field import Field, indices_of, pull_field, push_field
from trellic.video.motion import BOTH, FIRST, LEFT, NONE, SECOND, SPLIT, VECTOR
from trellic.video.tables import DIFFERENCES, DIRECTIONS, MODES, RADII, SKIPS, USED, motion_tables


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


def pulled(references: int, *coded: tuple[int, int]) -> Field:
    """Return what is read of a frame of one macroblock, from indices that are all there, each behind its table."""
    coder = Encoder(single=True)
    tables, indices = zip(*coded, (SKIPS, 0), strict=True)
    coder.push(np.array(tables, np.uint8), np.array(indices, np.int32), motion_tables())
    return pull_field(Decoder(coder.finish(), single=True), 16, 16, references)


@pytest.mark.parametrize("mode", [-4, 4, 300])
def test_impossible_modes_are_refused(mode):
    with pytest.raises(DamagedStream):
        pulled(1, (MODES, mode), (DIFFERENCES, 0), (DIFFERENCES + 1, 0))


@pytest.mark.parametrize("direction", [-2, 2])
def test_impossible_directions_are_refused(direction):
    with pytest.raises(DamagedStream):
        pulled(2, (MODES + 9, VECTOR - 3), (DIRECTIONS, direction))


def test_impossible_differences_are_refused():
    longest = (1 << 14) + 1
    for x, y in ((longest, 0), (0, -longest)):
        with pytest.raises(DamagedStream):
            pulled(1, (MODES, VECTOR - 3), (DIFFERENCES, x), (DIFFERENCES + 1, y))
    found = pulled(1, (MODES, VECTOR - 3), (DIFFERENCES, longest - 1), (DIFFERENCES + 1, 1 - longest))
    assert found.symbols.differences[0, 0, 0, 0].tolist() == [longest - 1, 1 - longest]


def test_data_that_end_early_are_refused():
    coder = Encoder(single=True)
    push_field(coder, random_field(1), 1)
    with pytest.raises(DamagedStream):
        pull_field(Decoder(coder.finish()[:40], single=True), 90, 150, 1)


def test_tables_follow_the_neighbours():
    """Of modes, directions and differences, as docs/video.md says: encoder and decoder share the code that chooses."""
    field = Field.empty(32, 32)
    modes, directions, differences = field.symbols
    modes[:] = [[VECTOR, SPLIT], [VECTOR, LEFT]]
    directions[:] = [[BOTH, FIRST], [SECOND, NONE]]
    differences[0, 0, 0] = [[3, -4], [1, 0]]  # 7, the larger of both
    differences[0, 1, :, 0] = [[0, 0], [20, 0], [0, 1], [0, 0]]
    differences[1, 0, 0, 1] = [9, 9]
    tables, indices = indices_of(field, 2)
    wanted = [
        *[(MODES + 9, 1), (DIRECTIONS, 1), *[(DIFFERENCES, 3), (DIFFERENCES + 1, -4)]],
        *[(DIFFERENCES, 1), (DIFFERENCES + 1, 0)],
        *[(MODES + 9 + 3, 2), (DIRECTIONS + BOTH, -1), (DIFFERENCES + 2, 0), (DIFFERENCES + 3, 0)],
        *[(DIFFERENCES + 8 + 2, 20), (DIFFERENCES + 8 + 3, 0)],
        *[(DIFFERENCES + 8 + 2, 0), (DIFFERENCES + 8 + 3, 1)],
        *[(DIFFERENCES + 8 + 2, 0), (DIFFERENCES + 8 + 3, 0)],
        *[(MODES + 9 + 1, 1), (DIRECTIONS, 0), (DIFFERENCES + 2, 9), (DIFFERENCES + 3, 9)],
        (MODES + 9 + 3 + 2, -2),
        (SKIPS, 0),
    ]
    assert list(zip(tables.tolist(), indices.tolist(), strict=True)) == wanted


def test_tables_are_chosen_by_what_is_known_to_a_decoder():
    field = random_field(2)
    cdf_indices, _ = indices_of(field, 2)
    assert set(cdf_indices) <= set(range(USED))
    assert len(RADII) == USED
    assert motion_tables().radius[:USED].tolist() == list(RADII)
