"""The trellis: Viterbi finds the best path, both ends walk the same states, and the gain is what theory says."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellic.entropy.parameters import ONE, Parameters, scale_indices_of
from trellic.entropy.rans import Decoder, Encoder, estimate_bits
from trellic.entropy.states import EIGHT_STATES, FOUR_STATES, ONE_STATE, walk
from trellic.entropy.tables import LOG_STEP, SCALES, SKIPPED_SCALES, gaussian_tables
from trellic.quantize import QuantizerParameters, dequantize, quantizer_named
from trellic.quantize.levels import no_offsets

TABLES = gaussian_tables(sets=2)
TRELLISES = [quantizer_named("tcq4"), quantizer_named("tcq8")]
MACHINES = [FOUR_STATES, EIGHT_STATES]


def level(level_set: int, index: int) -> float:
    return index - (0.5 * level_set if index > 0 else 0.0)


def candidates(level_set: int, distance: float) -> list[int]:
    """The nearest positive level of either parity, and zero, straight from the definition."""
    odd, even = (range(first, 40, 2) for first in (1, 2))
    return [0, *(min(parity, key=lambda index: abs(level(level_set, index) - distance)) for parity in (odd, even))]


def cheapest_path(states, scaled, scale_indices, weights, rate_weight, offsets, state):
    """Try every path."""
    best = math.inf
    choices = [[(level_set, k) for level_set in (0, 1) for k in candidates(level_set, abs(x))] for x in scaled]
    for path in product(*choices):
        at, cost = state, 0.0
        for (level_set, index), x, scale_index, weight in zip(path, scaled, scale_indices, weights, strict=True):
            if states.sets[at] != level_set:
                break
            cdf_index = np.array([scale_index + SCALES * level_set], np.uint8)
            value = level(level_set, index) + (offsets[cdf_index[0], min(index, 3) - 1] / ONE if index else 0.0)
            bits = estimate_bits(cdf_index, np.array([index], np.int32), TABLES)
            cost += weight * (abs(x) - value) ** 2 + rate_weight * bits
            at = states.transitions[at, index & 1]
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
def test_the_search_is_as_good_as_trying_every_path(quantizer, drawn, rate_weight, state, step, moved):
    states = quantizer.states
    scaled = np.array([number / 11 + 0.0137 for number, _, _ in drawn])
    scale_indices = np.array([scale_index for _, scale_index, _ in drawn], np.uint8)
    weights = np.array([weight for _, _, weight in drawn], np.float32)
    means = np.arange(len(drawn), dtype=np.int32) * 300
    latents = ((means + scaled * step) / ONE).astype(np.float32)
    offsets = no_offsets(2)
    if moved:
        offsets[:] = (-60, 20, 10)
    chosen = QuantizerParameters(TABLES, offsets, step, rate_weight)
    indices = quantizer.quantize(latents, Parameters(scale_indices, means), weights, chosen, state)
    cdf_indices, _ = walk(states, scale_indices, indices, state)
    decoded = dequantize(indices, cdf_indices, means, offsets, step)
    errors = (latents.astype(float) - decoded) * ONE / step
    found = float((weights * errors**2).sum()) + rate_weight * estimate_bits(cdf_indices, indices, TABLES)
    assert found == pytest.approx(
        cheapest_path(states, scaled, scale_indices, weights, rate_weight, offsets, state), abs=1e-3
    )


@pytest.mark.parametrize("states", [ONE_STATE, *MACHINES], ids=["memoryless", "four", "eight"])
@given(
    st.lists(st.tuples(st.integers(-3000, 3000), st.integers(SKIPPED_SCALES, SCALES - 1)), max_size=60),
    st.integers(0, 60),
)
@settings(deadline=None)
def test_decoder_and_encoder_walk_the_same_states_over_several_passes(states, drawn, cut):
    tables = TABLES if states.is_trellis else gaussian_tables()
    scale_indices = np.array([scale_index for _, scale_index in drawn], np.uint8)
    indices = np.array([index for index, _ in drawn], np.int32)
    encoder, state, cdf_indices = Encoder(), 0, []
    for part in (slice(0, cut), slice(cut, None)):
        walked, state = walk(states, scale_indices[part], indices[part], state)
        encoder.push(walked, indices[part], tables)
        cdf_indices.append(walked)
    decoder, at = Decoder(encoder.finish()), 0
    for part, expected in zip((slice(0, cut), slice(cut, None)), cdf_indices, strict=True):
        pulled, walked, at = decoder.pull_by(states, scale_indices[part], tables, at)
        assert np.array_equal(pulled, indices[part])
        assert np.array_equal(walked, expected)
    decoder.finish()
    assert at == state


@pytest.mark.parametrize(("states", "count"), [(FOUR_STATES, 4), (EIGHT_STATES, 8)])
def test_every_state_is_reached_from_two_and_leaves_for_two(states, count):
    assert states.transitions.shape == (count, 2)
    assert sorted(states.transitions.ravel()) == sorted([*range(count)] * 2)
    assert (states.transitions[:, 0] != states.transitions[:, 1]).all()


def test_levels_are_multiples_of_the_step_and_of_odd_halves():
    indices = np.array([-2, -1, 0, 1, 2] * 2, np.int32)
    cdf_indices = np.repeat([10, 10 + SCALES], 5).astype(np.uint8)
    means = np.full(10, 512, np.int32)
    steps = (dequantize(indices, cdf_indices, means, no_offsets(2), 2 * ONE) - 0.5) / 2
    assert steps.tolist() == [-2, -1, 0, 1, 2, -1.5, -0.5, 0, 0.5, 1.5]


def test_offsets_move_levels_but_never_zero():
    offsets = no_offsets(1)
    offsets[10] = (-102, 51, 7)
    indices = np.array([-1, 0, 1, 2, -9], np.int32)
    moved = dequantize(indices, np.full(5, 10, np.uint8), np.zeros(5, np.int32), offsets, ONE)
    assert moved * ONE == pytest.approx([-ONE + 102, 0, ONE - 102, 2 * ONE + 51, -9 * ONE - 7])


def test_a_scale_index_stands_for_a_scale_in_steps():
    logs = np.linspace(-2, 5, 400, dtype=np.float32)
    scale_indices = scale_indices_of(logs).astype(int)
    doubled = scale_indices_of(logs, 2 * ONE).astype(int)
    lowered = scale_indices - math.log(2) / LOG_STEP
    inside = lowered > 0
    assert (np.abs(doubled - lowered)[inside] <= 1).all()
    assert (doubled[~inside] == 0).all()


@pytest.mark.parametrize(("quantizer", "gain"), [(TRELLISES[0], 0.996), (TRELLISES[1], 1.084)], ids=["tcq4", "tcq8"])
def test_granular_gain(quantizer, gain):
    random = np.random.default_rng(1)
    latents = random.uniform(-300, 300, 200_000).astype(np.float32)
    parameters = Parameters(np.full(len(latents), SCALES - 1, np.uint8), np.zeros(len(latents), np.int32))
    chosen = QuantizerParameters(TABLES, no_offsets(2), ONE, 0.0)
    indices = quantizer.quantize(latents, parameters, np.ones_like(latents), chosen, 0)
    cdf_indices, _ = walk(quantizer.states, parameters.scale_indices, indices, 0)
    decoded = dequantize(indices, cdf_indices, parameters.means, chosen.offsets, ONE)
    assert 10 * math.log10(1 / 12 / np.square(decoded - latents).mean()) == pytest.approx(gain, abs=0.02)
