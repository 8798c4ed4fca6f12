"""Choices come back beside indices; of data that is cut off, what is there is right."""

import numpy as np
import pytest

from trellic.entropy.choices import ChoiceDecoder, ChoiceEncoder, CutDecoder
from trellic.entropy.tables import TOTAL, gaussian_tables
from trellic.errors import DamagedStream

TABLES = gaussian_tables()


def given(seed: int, count: int = 3000):
    """Return scale indices, indices, boundaries and choices, the likelier ones most often."""
    random = np.random.default_rng(seed)
    scale_indices = random.integers(3, 40, count).astype(np.uint8)
    indices = np.rint(random.normal(0, 2, count) * 4 ** random.integers(0, 3, count)).astype(np.int32)
    boundaries = np.sort(random.integers(1, TOTAL, (count, 2)), axis=1).astype(np.uint32)
    boundaries[:, 1] = np.where(
        random.integers(2, size=count), TOTAL, np.maximum(boundaries[:, 1], boundaries[:, 0] + 1)
    )
    slots = random.integers(0, TOTAL, count)
    choices = (slots[:, None] >= boundaries).sum(axis=1).astype(np.uint8)
    return scale_indices, indices, boundaries, choices


def coded(seed: int, count: int = 3000) -> bytes:
    scale_indices, indices, boundaries, choices = given(seed, count)
    encoder = ChoiceEncoder()
    encoder.push(scale_indices, indices, TABLES)
    encoder.push_choices(boundaries, choices)
    joined = ChoiceEncoder()
    joined.extend(encoder)
    assert joined.bits == pytest.approx(8 * len(joined.finish()), rel=0.02, abs=100)
    return joined.finish()


@pytest.mark.parametrize("count", [0, 1, 2, 3000])
def test_choices_come_back_beside_indices(count):
    scale_indices, indices, boundaries, choices = given(1, count)
    decoder = ChoiceDecoder(coded(1, count))
    assert np.array_equal(decoder.pull(scale_indices, TABLES), indices)
    assert np.array_equal(decoder.pull_choices(boundaries), choices)
    decoder.finish()


def test_data_that_ends_within_choices_is_refused():
    scale_indices, _, boundaries, _ = given(2)
    decoder = ChoiceDecoder(coded(2)[:-100])
    decoder.pull(scale_indices, TABLES)
    with pytest.raises(DamagedStream, match="ends before"):
        decoder.pull_choices(boundaries)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_there_of_cut_data_is_right_and_nearly_all_of_it(seed):
    scale_indices, indices, boundaries, choices = given(seed)
    data = coded(seed)
    for end in np.random.default_rng(seed).integers(0, len(data), 40):
        decoder = CutDecoder(data[:end])
        found = decoder.pull(scale_indices, TABLES)
        chosen = decoder.pull_choices(boundaries) if len(found) == len(indices) else choices[:0]
        assert np.array_equal(found, indices[: len(found)])
        assert np.array_equal(chosen, choices[: len(chosen)])
        there = ChoiceEncoder()
        there.push(scale_indices[: len(found)], indices[: len(found)], TABLES)
        there.push_choices(boundaries[: len(chosen)], choices[: len(chosen)])
        assert there.bits / 8 > end - 40
