"""The trellis: Viterbi finds the best path, both ends walk the same states, and the gain is what theory says."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellic.entropy.machine import EIGHT_STATES, FOUR_STATES, MEMORYLESS, walk
from trellic.entropy.parameters import ONE, Parameters, rows_of
from trellic.entropy.rans import Decoder, Encoder, estimate_bits
from trellic.entropy.tables import LOG_STEP, ROWS, SKIPPED_ROWS, gaussian_tables
from trellic.quantize import Setting, dequantize, quantizer_named
from trellic.quantize.levels import no_points

TABLES = gaussian_tables(kinds=2)
TRELLISES = [quantizer_named("tcq4"), quantizer_named("tcq8")]
MACHINES = [FOUR_STATES, EIGHT_STATES]


def level(kind: int, index: int) -> float:
    return index - (0.5 * kind if index > 0 else 0.0)


def candidates(kind: int, distance: float) -> list[int]:
    """The nearest positive level of either parity, and zero, straight from the definition."""
    odd, even = (range(first, 40, 2) for first in (1, 2))
    return [0, *(min(parity, key=lambda index: abs(level(kind, index) - distance)) for parity in (odd, even))]


def cheapest_path(machine, scaled, rows, weights, strength, points, state):
    """Try every path."""
    best = math.inf
    choices = [[(kind, k) for kind in (0, 1) for k in candidates(kind, abs(x))] for x in scaled]
    for path in product(*choices):
        at, cost = state, 0.0
        for (kind, index), x, row, weight in zip(path, scaled, rows, weights, strict=True):
            if machine.kinds[at] != kind:
                break
            table_row = np.array([row + ROWS * kind], np.uint8)
            value = level(kind, index) + (points[table_row[0], min(index, 3) - 1] / ONE if index else 0.0)
            bits = estimate_bits(table_row, np.array([index], np.int32), TABLES)
            cost += weight * (abs(x) - value) ** 2 + strength * bits
            at = machine.transitions[at, index & 1]
        else:
            best = min(best, cost)
    return best


LATENTS = st.lists(
    st.tuples(st.integers(-40, 40), st.sampled_from([4, 10, 17, 25, 33]), st.sampled_from([0.5, 1.0, 2.0])),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("quantizer", TRELLISES, ids=lambda quantizer: quantizer.name)
@given(LATENTS, st.floats(0, 0.3), st.integers(0, 3), st.integers(600, 2000), st.booleans())
@settings(deadline=None, max_examples=60)
def test_the_search_is_as_good_as_trying_every_path(quantizer, drawn, strength, state, step, moved):
    machine = quantizer.machine
    scaled = np.array([number / 11 + 0.0137 for number, _, _ in drawn])
    rows = np.array([row for _, row, _ in drawn], np.uint8)
    weights = np.array([weight for _, _, weight in drawn], np.float32)
    means = np.arange(len(drawn), dtype=np.int32) * 300
    latents = ((means + scaled * step) / ONE).astype(np.float32)
    points = no_points(2)
    if moved:
        points[:] = (-60, 20, 10)
    setting = Setting(TABLES, points, step, strength)
    indices = quantizer.quantize(latents, Parameters(rows, means), weights, setting, state)
    table_rows, _ = walk(machine, rows, indices, state)
    decoded = dequantize(indices, table_rows, means, points, step)
    errors = (latents.astype(float) - decoded) * ONE / step
    found = float((weights * errors**2).sum()) + strength * estimate_bits(table_rows, indices, TABLES)
    assert found == pytest.approx(cheapest_path(machine, scaled, rows, weights, strength, points, state), abs=1e-3)


@pytest.mark.parametrize("machine", [MEMORYLESS, *MACHINES], ids=["memoryless", "four", "eight"])
@given(
    st.lists(st.tuples(st.integers(-3000, 3000), st.integers(SKIPPED_ROWS, ROWS - 1)), max_size=60), st.integers(0, 60)
)
@settings(deadline=None)
def test_decoder_and_encoder_walk_the_same_states_over_several_passes(machine, drawn, cut):
    tables = TABLES if machine.remembers else gaussian_tables()
    rows = np.array([row for _, row in drawn], np.uint8)
    indices = np.array([index for index, _ in drawn], np.int32)
    encoder, state, table_rows = Encoder(), 0, []
    for part in (slice(0, cut), slice(cut, None)):
        walked, state = walk(machine, rows[part], indices[part], state)
        encoder.push(walked, indices[part], tables)
        table_rows.append(walked)
    decoder, at = Decoder(encoder.finish()), 0
    for part, expected in zip((slice(0, cut), slice(cut, None)), table_rows, strict=True):
        pulled, walked, at = decoder.pull_by(machine, rows[part], tables, at)
        assert np.array_equal(pulled, indices[part])
        assert np.array_equal(walked, expected)
    decoder.finish()
    assert at == state


@pytest.mark.parametrize(("machine", "states"), [(FOUR_STATES, 4), (EIGHT_STATES, 8)])
def test_every_state_is_reached_from_two_and_leaves_for_two(machine, states):
    assert machine.transitions.shape == (states, 2)
    assert sorted(machine.transitions.ravel()) == sorted([*range(states)] * 2)
    assert (machine.transitions[:, 0] != machine.transitions[:, 1]).all()


def test_levels_are_multiples_of_the_step_and_of_odd_halves():
    indices = np.array([-2, -1, 0, 1, 2] * 2, np.int32)
    table_rows = np.repeat([10, 10 + ROWS], 5).astype(np.uint8)
    means = np.full(10, 512, np.int32)
    steps = (dequantize(indices, table_rows, means, no_points(2), 2 * ONE) - 0.5) / 2
    assert steps.tolist() == [-2, -1, 0, 1, 2, -1.5, -0.5, 0, 0.5, 1.5]


def test_points_move_levels_but_never_zero():
    points = no_points(1)
    points[10] = (-102, 51, 7)
    indices = np.array([-1, 0, 1, 2, -9], np.int32)
    moved = dequantize(indices, np.full(5, 10, np.uint8), np.zeros(5, np.int32), points, ONE)
    assert moved * ONE == pytest.approx([-ONE + 102, 0, ONE - 102, 2 * ONE + 51, -9 * ONE - 7])


def test_a_row_stands_for_a_scale_in_steps():
    logs = np.linspace(-2, 5, 400, dtype=np.float32)
    rows = rows_of(logs).astype(int)
    doubled = rows_of(logs, 2 * ONE).astype(int)
    lowered = rows - math.log(2) / LOG_STEP
    inside = lowered > 0
    assert (np.abs(doubled - lowered)[inside] <= 1).all()
    assert (doubled[~inside] == 0).all()


@pytest.mark.parametrize(("quantizer", "gain"), [(TRELLISES[0], 0.996), (TRELLISES[1], 1.084)], ids=["tcq4", "tcq8"])
def test_granular_gain(quantizer, gain):
    random = np.random.default_rng(1)
    latents = random.uniform(-300, 300, 200_000).astype(np.float32)
    parameters = Parameters(np.full(len(latents), ROWS - 1, np.uint8), np.zeros(len(latents), np.int32))
    setting = Setting(TABLES, no_points(2), ONE, 0.0)
    indices = quantizer.quantize(latents, parameters, np.ones_like(latents), setting, 0)
    table_rows, _ = walk(quantizer.machine, parameters.rows, indices, 0)
    decoded = dequantize(indices, table_rows, parameters.means, setting.points, ONE)
    assert 10 * math.log10(1 / 12 / np.square(decoded - latents).mean()) == pytest.approx(gain, abs=0.02)
