"""Which latents of a checkerboard half are coded, and what becomes of those that are not."""

import math

import numpy as np
import pytest

from trellic.codec.halves import EVEN, ODD, WHOLE, coded_latents
from trellic.codec.passes import Pass
from trellic.entropy.parameters import ONE, rows_of
from trellic.entropy.tables import SKIPPED_ROWS

SHAPE = (3, 5, 7)


@pytest.fixture
def planes():
    random = np.random.default_rng(0)
    means = random.normal(size=SHAPE).astype(np.float32)
    log_scales = random.uniform(math.log(0.11), 0.5, SHAPE).astype(np.float32)
    return means, log_scales


@pytest.mark.parametrize("half", [EVEN, ODD, WHOLE])
def test_the_uncertain_latents_of_a_half_are_coded_and_the_rest_are_their_means(planes, half):
    means, log_scales = planes
    decoded = np.full(SHAPE, 9, np.float32)
    places, parameters = coded_latents(means, log_scales, half, ONE, decoded)
    y, x = np.mgrid[0:5, 0:7]
    inside = np.broadcast_to((half == WHOLE) | ((x + y) % 2 == half), SHAPE)
    rows = rows_of(log_scales.ravel()).reshape(SHAPE)
    assert places.tolist() == np.flatnonzero(inside & (rows >= SKIPPED_ROWS)).tolist()
    assert parameters.rows.tolist() == rows.ravel()[places].tolist()
    assert parameters.means.tolist() == np.rint(means.ravel()[places] * np.float32(ONE)).tolist()
    assert (decoded[~inside] == 9).all()
    assert np.abs(decoded - means)[inside].max() <= 0.5 / ONE


def test_a_pass_gathers_and_puts_the_same_latents(planes):
    decoded = np.zeros(SHAPE, np.float32)
    at = Pass.of(*planes, slice(0, 3), ODD, ONE, 0, decoded)
    values = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    at.put(at.gather(values), decoded)
    assert np.array_equal(decoded.ravel()[at.places], values.ravel()[at.places])
    assert at.spread(np.arange(3, dtype=np.float32), 35).tolist() == (at.places // 35).tolist()


def test_not_a_number_is_a_mean_of_zero_that_is_never_coded():
    bad = np.full(SHAPE, np.nan, np.float32)
    decoded = np.ones(SHAPE, np.float32)
    places, _ = coded_latents(bad, bad, WHOLE, ONE, decoded)
    assert len(places) == 0
    assert not decoded.any()
