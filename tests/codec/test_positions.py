"""Which latents of a pass are coded, and what becomes of those that are not."""

import math

import numpy as np
import pytest

from scales import scale_indices_of
from trellic.codec.coding import Pass
from trellic.codec.positions import coded_positions, pattern_of, positions_in
from trellic.entropy.parameters import ONE
from trellic.entropy.tables import SKIPPED_SCALES
from trellic.model.schedule import ALL, ANCHORS, NON_ANCHORS, Code

SHAPE = (3, 5, 7)


@pytest.fixture
def planes():
    random = np.random.default_rng(0)
    means = random.normal(size=SHAPE).astype(np.float32)
    log_scales = random.uniform(math.log(0.11), 0.5, SHAPE).astype(np.float32)
    return means, log_scales


@pytest.mark.parametrize("mask", [ANCHORS, NON_ANCHORS, ALL, ("100", "001"), ("0001",)])
def test_the_uncertain_latents_of_a_mask_are_coded_and_the_rest_are_their_means(planes, mask):
    means, log_scales = planes
    decoded = np.full(SHAPE, 9, np.float32)
    positions, parameters = coded_positions(means, log_scales, mask, ONE, decoded)
    y, x = np.mgrid[0:5, 0:7]
    pattern = pattern_of(mask)
    inside = np.broadcast_to(pattern[y % pattern.shape[0], x % pattern.shape[1]] == 1, SHAPE)
    scale_indices = scale_indices_of(log_scales.ravel()).reshape(SHAPE)
    assert positions.tolist() == np.flatnonzero(inside & (scale_indices >= SKIPPED_SCALES)).tolist()
    assert parameters.scale_indices.tolist() == scale_indices.ravel()[positions].tolist()
    assert parameters.means.tolist() == np.rint(means.ravel()[positions] * np.float32(ONE)).tolist()
    assert (decoded[~inside] == 9).all()
    assert np.abs(decoded - means)[inside].max() <= 0.5 / ONE


def test_a_pass_gathers_and_puts_the_same_latents(planes):
    decoded = np.zeros(SHAPE, np.float32)
    step = Code("y", 0, 3, NON_ANCHORS, "mean", "log_scale")
    at = Pass.of(step, *planes, ONE, 0, decoded)
    values = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    at.put(at.gather(values), decoded)
    assert np.array_equal(decoded.ravel()[at.positions], values.ravel()[at.positions])
    assert at.spread(np.arange(3, dtype=np.float32), 35).tolist() == (at.positions // 35).tolist()


def test_not_a_number_is_a_mean_of_zero_that_is_never_coded():
    bad = np.full(SHAPE, np.nan, np.float32)
    decoded = np.ones(SHAPE, np.float32)
    positions, _ = coded_positions(bad, bad, ALL, ONE, decoded)
    assert len(positions) == 0
    assert not decoded.any()


def test_a_mask_is_repeated_to_the_right_and_below():
    found = positions_in(("110", "001"), 3, 5)
    assert found.dtype == bool
    assert found.astype(int).tolist() == [[1, 1, 0, 1, 1], [0, 0, 1, 0, 0], [1, 1, 0, 1, 1]]
