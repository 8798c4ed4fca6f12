"""Frequencies of a table: near to the probabilities that they stand for, and never 0."""

import numpy as np
import pytest

from trellic.entropy.tables import (
    SCALES,
    SKIPPED_SCALES,
    TOTAL,
    Tables,
    gaussian_tables,
    quantize_distribution,
    scale_of,
)


def test_what_rounding_loses_is_given_to_those_that_lost_it():
    side = np.exp(-np.arange(1, 300) / 70)
    frequencies = quantize_distribution(1.0, side, 0.01).astype(np.int64)
    total = 1.0 + 2 * side.sum() + 0.01
    wanted = np.concatenate([side[::-1], [1.0], side]) / total * (TOTAL - 2 * len(side) - 2) + 1
    assert frequencies.sum() == TOTAL
    assert np.abs(frequencies[:-1] - wanted).max() <= 2


def test_an_index_escapes_beyond_four_deviations():
    """One in 16 000: a nearer end would cost bits, a farther one memory."""
    radius = gaussian_tables().radius
    for scale_index in range(SKIPPED_SCALES, SCALES):
        reach = 4 * scale_of(scale_index) + 2
        assert min(1023, reach) <= radius[scale_index] < reach + 1


@pytest.mark.parametrize("table", [[0, 65535, 0, 1], [1, 65533, 1], [1, 65532, 1, 1], [65536, 0]])
def test_what_is_no_distribution_is_no_table(table):
    with pytest.raises(ValueError, match="is no table"):
        Tables.of_frequencies([np.array(table, np.uint32)])


def test_the_expected_magnitude_counts_15_at_most_and_for_an_escape():
    wide = np.array([1] * 20 + [TOTAL - 41] + [1] * 21, np.uint32)
    tables = Tables.of_frequencies([np.array([1, TOTAL // 2, 1, TOTAL // 2 - 2], np.uint32), wide])
    wanted = 15 * (TOTAL // 2 - 2) + 2, 2 * (sum(range(15)) + 6 * 15) + 15
    assert tables.expected.tolist() == [(each + 128) // 256 for each in wanted]
