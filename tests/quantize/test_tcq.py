"""The trellis: Viterbi finds the best path, both ends follow the same states, and the gain is what theory says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scales import scale_indices_of
from trellic.entropy.bits import estimate_bits
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.rans import Decoder, Encoder
from trellic.entropy.states import ONE_STATE, walk
from trellic.entropy.tables import LOG_STEP, SCALES, SKIPPED_SCALES, gaussian_tables
from trellic.quantize import QUANTIZERS, QuantizerParameters, dequantize, quantizer_named, tcq
from trellic.quantize.levels import no_offsets

TABLES = gaussian_tables(sets=2)
TRELLISES = [quantizer for quantizer in QUANTIZERS if quantizer.states.is_trellis]
VVC = [(0, 2), (2, 0), (1, 3), (3, 1)], [0, 0, 1, 1]
ECM = [(0, 2), (5, 7), (1, 3), (6, 4), (2, 0), (4, 6), (3, 1), (7, 5)], [0, 1, 0, 1, 0, 1, 0, 1]


def name_of(quantizer):
    return quantizer.name


def level(level_set: int, index: int) -> float:
    return index - (0.5 * level_set if index > 0 else 0.0)


def candidates(level_set: int, distance: float) -> list[int]:
    """The nearest positive level of either parity, and zero, straight from the definition."""
    odd, even = (range(first, 40, 2) for first in (1, 2))
    return [0, *(min(parity, key=lambda index: abs(level(level_set, index) - distance)) for parity in (odd, even))]


def least_cost(states, scaled, scale_indices, weights, rate_weight, offsets, state):
    """Return the cost of the best path: for each state in turn, the least over all ways to reach it."""
    costs = {state: 0.0}
    for x, scale_index, weight in zip(scaled, scale_indices, weights, strict=True):
        reached = {}
        for at, before in costs.items():
            level_set = int(states.sets[at])
            cdf_index = np.array([scale_index + SCALES * level_set], np.uint8)
            for index in candidates(level_set, abs(x)):
                value = level(level_set, index) + (offsets[cdf_index[0], min(index, 3) - 1] / ONE if index else 0.0)
                bits = estimate_bits(cdf_index, np.array([index], np.int32), TABLES)
                cost = before + weight * (abs(x) - value) ** 2 + rate_weight * bits
                after = int(states.transitions[at, index & 1])
                reached[after] = min(cost, reached.get(after, math.inf))
        costs = reached
    return min(costs.values())


LATENTS = st.lists(
    st.tuples(st.integers(-40, 40), st.sampled_from([4, 10, 17, 25, 33]), st.sampled_from([0.5, 1.0, 2.0])),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("quantizer", TRELLISES[:5], ids=name_of)
@given(LATENTS, st.floats(0, 0.3), st.integers(0, 3), st.integers(600, 2000), st.booleans())
@settings(deadline=None, max_examples=20)
def test_the_search_finds_the_cheapest_path(quantizer, drawn, rate_weight, state, step, moved):
    states = quantizer.states
    scaled = np.array([number / 11 + 0.0137 for number, _, _ in drawn])
    scale_indices = np.array([scale_index for _, scale_index, _ in drawn], np.uint8)
    weights = np.array([weight for _, _, weight in drawn], np.float32)
    means = np.arange(len(drawn), dtype=np.int32) * 300
    latents = ((means + scaled * step) / ONE).astype(np.float32)
    offsets = no_offsets(2)
    if moved:
        offsets[:] = (-60, 20, 10)
    parameters = QuantizerParameters(TABLES, offsets, step, rate_weight)
    indices = quantizer.quantize(latents, Parameters(scale_indices, means), weights, parameters, state)
    cdf_indices, _ = walk(states, scale_indices, indices, state)
    decoded = dequantize(indices, cdf_indices, means, offsets, step)
    errors = (latents.astype(float) - decoded) * ONE / step
    found = float((weights * errors**2).sum()) + rate_weight * estimate_bits(cdf_indices, indices, TABLES)
    expected = least_cost(states, scaled, scale_indices, weights, rate_weight, offsets, state)
    assert found == pytest.approx(expected, abs=1e-3)


def test_a_long_pass_is_decided_in_blocks_to_the_same_indices(monkeypatch):
    random = np.random.default_rng(2)
    latents = random.laplace(size=5000).astype(np.float32)
    parameters = Parameters(np.full(len(latents), 14, np.uint8), np.zeros(len(latents), np.int32))
    settings = QuantizerParameters(TABLES, no_offsets(2), ONE, 0.05)
    arguments = latents, parameters, np.ones_like(latents), settings, 3
    whole = quantizer_named("tcq16").quantize(*arguments)
    monkeypatch.setattr(tcq, "BLOCK", 700)
    monkeypatch.setattr(tcq, "LOOKAHEAD", 200)
    assert np.array_equal(quantizer_named("tcq16").quantize(*arguments), whole)


@pytest.mark.parametrize("states", [ONE_STATE, *(one.states for one in TRELLISES)], ids=lambda states: len(states.sets))
@given(
    st.lists(st.tuples(st.integers(-3000, 3000), st.integers(SKIPPED_SCALES, SCALES - 1)), max_size=60),
    st.integers(0, 60),
)
@settings(deadline=None, max_examples=30)
def test_decoder_and_encoder_follow_the_same_states_over_several_passes(states, drawn, cut):
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


@pytest.mark.parametrize("quantizer", TRELLISES, ids=name_of)
def test_every_state_is_reached_from_two_by_different_parities(quantizer):
    states = quantizer.states
    count = len(states.sets)
    assert quantizer.name == f"tcq{count}"
    assert states.transitions.shape == (count, 2)
    for after in range(count):
        before, parities = np.nonzero(states.transitions == after)
        assert sorted(parities) == [0, 1]
        assert states.sets[before[0]] == states.sets[before[1]]
    assert states.sets.sum() == count / 2


@pytest.mark.parametrize(("name", "standard"), [("tcq4", VVC), ("tcq8", ECM)])
def test_four_and_eight_states_choose_the_sets_of_the_standards(name, standard):
    states, (transitions, sets) = quantizer_named(name).states, standard
    ours = theirs = 0
    for parity in np.random.default_rng(0).integers(0, 2, 1000):
        assert states.sets[ours] == sets[theirs]
        ours, theirs = int(states.transitions[ours, parity]), transitions[theirs][parity]


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
    assert granular_gain(quantizer) == pytest.approx(gain, abs=0.02)


def test_more_states_gain_more():
    gains = [granular_gain(quantizer) for quantizer in TRELLISES]
    assert gains == sorted(gains)
    assert gains[-1] < 10 * math.log10(math.pi * math.e / 6)


def granular_gain(quantizer):
    """In dB, on a uniform source at high rate, where the search is about distortion alone."""
    latents = np.random.default_rng(1).uniform(-300, 300, 200_000).astype(np.float32)
    parameters = Parameters(np.full(len(latents), SCALES - 1, np.uint8), np.zeros(len(latents), np.int32))
    settings = QuantizerParameters(TABLES, no_offsets(2), ONE, 0.0)
    indices = quantizer.quantize(latents, parameters, np.ones_like(latents), settings, 0)
    cdf_indices, _ = walk(quantizer.states, parameters.scale_indices, indices, 0)
    decoded = dequantize(indices, cdf_indices, parameters.means, settings.offsets, ONE)
    return 10 * math.log10(1 / 12 / np.square(decoded - latents).mean())


def test_blocks_are_decided_as_if_all_were_seen(monkeypatch):
    values = np.random.default_rng(5).laplace(0, 2, 4096).astype(np.float32)
    parameters = Parameters(np.full(4096, 25, np.uint8), np.zeros(4096, np.int32))
    given = QuantizerParameters(TABLES, no_offsets(2), ONE, 0.2)
    found = []
    for block in (4096, 64):
        monkeypatch.setattr(tcq, "BLOCK", block)
        found.append(quantizer_named("tcq8").quantize(values, parameters, np.ones_like(values), given, 0))
    assert np.array_equal(*found)
