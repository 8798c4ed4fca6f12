"""Probabilities of intervals: integers, equal in numpy and in plain Python, whatever the numbers."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellic.entropy import intervals
from trellic.entropy.intervals import cumulative, distribution, frequencies, shared
from trellic.entropy.tables import SCALES, TOTAL, scale_of

MEANS = st.integers(-(1 << 30), 1 << 30)
STEPS = st.one_of(st.integers(1, 1 << 20), st.sampled_from([1, 1024, 65535, 1 << 20]))
INDICES = st.integers(0, SCALES - 1)


def plain_cumulative(edge: int, mean: int, scale_index: int, step: int) -> int:
    """Return F at an edge by Python's integers, which have no limit."""
    scale = round(scale_of(scale_index) * 65536)
    units = ((edge - mean) << 28) // (scale * step)
    units = min(max(units, -8 * 4096), 8 * 4096) + 8 * 4096
    at, rest = divmod(units, 16)
    table = distribution()
    low = int(table[at])
    return low + (((int(table[at + 1]) - low) * rest) >> 4) if rest else low


@given(MEANS, MEANS, INDICES, STEPS)
@settings(deadline=None)
def test_any_edge_gives_what_python_integers_give(edge, mean, scale_index, step):
    assert cumulative(np.array([edge]), mean, scale_index, step)[0] == plain_cumulative(edge, mean, scale_index, step)


@given(st.lists(MEANS, min_size=2, max_size=12, unique=True), MEANS, INDICES, STEPS)
@settings(deadline=None)
def test_frequencies_are_positive_and_sum_to_the_coders_total(edges, mean, scale_index, step):
    found = frequencies(np.array(sorted(edges)), mean, scale_index, step)
    assert found.min() >= 1
    assert found.sum() == TOTAL


@pytest.mark.parametrize("offset", [0, 1, 511, 512, 1000])
def test_probabilities_are_those_of_the_gaussian(offset):
    """Cells of a fixed grid, wherever the mean is."""
    for scale_index in (10, 20, 30):
        sigma = scale_of(scale_index) * 1024
        edges = np.arange(-6, 7) * 1024 - 512
        exact = [math.erf((edge - offset) / sigma / math.sqrt(2)) / 2 + 0.5 for edge in edges]
        assert np.abs(cumulative(edges, offset, scale_index, 1024) / 2**30 - exact).max() < 1e-4


@given(st.integers(-4000, 4000), st.integers(5, 40), st.integers(-20, 20))
@settings(deadline=None, max_examples=50)
def test_bits_of_planes_sum_to_the_bits_of_one_layer(mean, scale_index, index):
    """The chain rule: a coarse cell, then its halves, then theirs, cost what the fine cell costs at once."""
    step, span = 1024, 64
    edges = np.arange(-span, span + 1) * step
    cell = index + span
    bits = 0.0
    first, last = 0, 2 * span
    while last - first > 1:
        middle = (first + last) // 2
        pair = frequencies(edges[[first, middle, last]], mean, scale_index, step)
        chosen = int(cell >= middle)
        bits += 16 - math.log2(pair[chosen])
        first, last = (middle, last) if chosen else (first, middle)
    f = cumulative(edges, mean, scale_index, step)
    exact = -math.log2((int(f[cell + 1]) - int(f[cell])) / (int(f[-1]) - int(f[0]))) if f[cell + 1] > f[cell] else 99.0
    if exact < 10:  # rarer cells cost what the least frequency costs
        assert bits == pytest.approx(exact, rel=0.001, abs=0.02)


def test_the_distribution_rises_and_is_antisymmetric():
    table = distribution()
    assert (np.diff(table) >= 0).all()
    assert np.array_equal(table + table[::-1], np.full(len(table), 1 << 30))
    assert (table[0], table[len(table) // 2], table[-1]) == (0, 1 << 29, 1 << 30)


def test_no_processor_rounds_the_tables_otherwise():
    """What is rounded lies far enough from where rounding turns, for any erf and exp; and the hash is known."""
    values = [math.erf(step / 256 / math.sqrt(2)) * 2**29 for step in range(2049)]
    values += [scale_of(index) * 65536 for index in range(SCALES)]
    assert min(abs(value % 1 - 0.5) for value in values) > 1e-5
    both = np.concatenate([distribution(), intervals.scales()]).astype("<i8")
    assert hashlib.sha256(both.tobytes()).hexdigest()[:16] == HASH


HASH = "9efd41bfbe76774b"


def test_what_rounding_leaves_goes_to_the_likeliest_cell():
    masses = np.array([1, 5, 1 << 20, 7], np.int64)
    found = shared(masses)
    assert found[[0, 1, 3]].tolist() == [1, 1, 1]
    assert found.sum() == 1 << 16
