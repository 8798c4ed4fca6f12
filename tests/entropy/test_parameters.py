"""Where floats become integers: a table of both is pinned, since every stream rests on it."""

import hashlib
import math

import numpy as np
import pytest

from scales import scale_indices_of
from trellic.entropy.parameters import ONE, fixed_mean
from trellic.entropy.tables import SCALES, scale_of

LOG_SCALES = np.linspace(-4, 7, 8001, dtype=np.float32)
STEPS = (1, 256, 777, ONE, 1400, 1 << 16)


def test_scale_indices_are_pinned():
    hashed = hashlib.sha256(b"".join(scale_indices_of(LOG_SCALES, step).tobytes() for step in STEPS))
    assert hashed.hexdigest() == "827b86ed8e4be58a14a38c087699a509e568008b5df10e1683c8ee795da1d3ff"


def test_a_scale_has_the_index_of_the_nearest_scale():
    logs = np.log([scale_of(index) for index in range(SCALES)])
    half = (logs[1] - logs[0]) / 2
    for shift in (-0.9 * half, 0.0, 0.9 * half):
        assert np.array_equal(scale_indices_of((logs + shift).astype(np.float32)), np.arange(SCALES))


def test_scales_beyond_all_have_the_first_or_the_last_index_and_what_is_no_number_the_first():
    odd = np.array([-99, 99, np.nan], np.float32)
    assert scale_indices_of(odd).tolist() == [0, SCALES - 1, 0]


@pytest.mark.parametrize(
    ("mean", "fixed"),
    [
        (0.5, 512), (-0.5, -512), (1 / ONE, 1), (0.6 / ONE, 1), (-0.6 / ONE, -1), (0.5 / ONE, 0), (1.5 / ONE, 2),
        (16384, 1 << 24), (16393, 1 << 24), (-math.inf, -(1 << 24)),
        (math.nan, 0),
    ],
)  # fmt: skip
def test_a_mean_is_rounded_to_the_nearest_1024th_within_its_limit(mean, fixed):
    assert fixed_mean(np.float32(mean)) == fixed
