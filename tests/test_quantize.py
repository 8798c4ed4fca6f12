"""Quantizers: each chooses what its definition says, and each one's stream decodes to what the encoder had."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellic import Codec
from trellic.codec import Target
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.rans import estimate_bits
from trellic.entropy.tables import ROWS, SKIPPED_ROWS, gaussian_tables
from trellic.metrics import psnr
from trellic.quantize import QUANTIZERS, deadzone, quantizer_named, rdoq, uniform

TABLES = gaussian_tables()
NAMES = [quantizer.name for quantizer in QUANTIZERS]
LATENTS = st.lists(
    st.tuples(st.floats(-300, 300, width=32), st.integers(0, ROWS - 1), st.integers(-(1 << 18), 1 << 18)), max_size=20
)


def arrays(latents):
    values = np.array([value for value, _, _ in latents], np.float32)
    rows = np.array([row for _, row, _ in latents], np.uint8)
    return values, Parameters(rows, np.array([mean for _, _, mean in latents], np.int32))


def cost(scaled: float, index: int, row: int, strength: float) -> float:
    bits = estimate_bits(np.array([row], np.uint8), np.array([index], np.int32), TABLES)
    return (scaled - index) ** 2 + strength * bits


@given(LATENTS, st.integers(300, 3000))
@settings(deadline=None)
def test_uniform_takes_the_nearest_level(latents, step):
    values, parameters = arrays(latents)
    indices = uniform.quantize(values, parameters, TABLES, step, 0.0)
    decoded = uniform.dequantize(indices, parameters, step)
    coded = parameters.rows >= SKIPPED_ROWS
    assert (np.abs(decoded - values)[coded] <= 0.5 * step / ONE + 1e-3).all()
    assert (indices[~coded] == 0).all()


@given(LATENTS, st.floats(0, 0.4))
@settings(deadline=None)
def test_the_dead_zone_is_zero_and_all_else_the_nearest(latents, strength):
    values, parameters = arrays(latents)
    indices = deadzone.quantize(values, parameters, TABLES, ONE, strength)
    nearest = uniform.quantize(values, parameters, TABLES, ONE, 0.0)
    inside = np.abs(values.astype(np.float64) * ONE - parameters.means) / ONE < 0.5 + strength
    assert (indices == np.where(inside, 0, nearest)).all()


@given(LATENTS, st.floats(0, 1))
@settings(deadline=None)
def test_rdoq_takes_the_cheapest_of_its_candidates(latents, strength):
    values, parameters = arrays(latents)
    indices = rdoq.quantize(values, parameters, TABLES, ONE, strength)
    for value, row, mean, index in zip(values, *parameters, indices, strict=True):
        if row < SKIPPED_ROWS:
            assert index == 0
            continue
        scaled = (float(value) * ONE - int(mean)) / ONE
        candidates = {0, math.floor(scaled), math.floor(scaled) + 1}
        least = min(cost(scaled, candidate, row, strength) for candidate in candidates)
        assert cost(scaled, int(index), row, strength) == pytest.approx(least, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_quantizer_makes_streams_that_decode(name, photograph):
    codec = Codec(quantizer=name)
    coded = codec.encode_picture(photograph, Target(50))
    assert psnr(photograph.pixels, codec.decode_picture(coded.data).pixels) > 33
    assert 0 < 8 * len(coded.data) / coded.estimated_bits - 1 < 0.005


def test_at_one_quality_searching_takes_fewer_bytes_than_rounding(photograph):
    sizes = {name: len(Codec(quantizer=name).encode_picture(photograph, Target(50)).data) for name in NAMES}
    assert sizes["rdoq"] < sizes["uniform"]
    assert sizes["deadzone"] < sizes["uniform"]


def test_numbers_of_quantizers_are_part_of_the_format():
    assert {quantizer.name: quantizer.number for quantizer in QUANTIZERS} == {"uniform": 0, "deadzone": 1, "rdoq": 2}
    assert quantizer_named("rdoq").number == 2
