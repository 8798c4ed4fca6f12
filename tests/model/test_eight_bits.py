"""Weights in eight bits: rounded once, found again in what was rounded, and never in anything else."""

import numpy as np
import pytest

from trellic.model.eight_bits import EightBits


@pytest.fixture
def weights():
    return np.random.default_rng(7).normal(0, 0.05, (6, 4, 3, 3)).astype(np.float32)


def test_each_value_moves_by_half_a_step_at_most(weights):
    found = EightBits.rounded(weights)
    steps = found.steps.astype(np.float32)
    assert found.counts.dtype == np.int8
    assert np.abs(found.counts.reshape(6, -1)).max(axis=1).tolist() == [127] * 6
    error = np.abs(found.values - weights).reshape(6, -1).max(axis=1)
    assert (error <= steps * 0.57).all()  # half a step, and what half precision takes from 127 steps


def test_what_was_rounded_is_found_again_to_the_bit(weights):
    weights[2] = 0
    rounded = EightBits.rounded(weights).values
    again = EightBits.of(rounded)
    assert again is not None
    assert np.array_equal(again.values, rounded)
    assert np.array_equal(EightBits.rounded(rounded).values, rounded)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: np.nextafter(values, np.float32(1)),
        lambda values: values.astype(np.float16),
        lambda values: values.ravel(),
        lambda values: values * np.float32(np.nan),
        lambda values: values * np.float32(1e38),
        lambda values: values * 0,
    ],
    ids=["off_the_grid", "half_precision", "one_axis", "no_numbers", "too_large", "zeros"],
)
def test_other_arrays_have_no_steps(weights, change):
    with np.errstate(over="ignore"):
        changed = change(EightBits.rounded(weights).values)
    assert EightBits.of(changed) is None
