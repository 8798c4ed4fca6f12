"""Quantizers: each chooses what its definition says, and each one's stream decodes to what the encoder had."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import GOLDEN
from trellic.codec import Target
from trellic.codec.analysis import analyse
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import encode_latents
from trellic.codec.units import decode_unit
from trellic.container import Stream
from trellic.container.header import QUALITY_ONE
from trellic.entropy.bits import estimate_bits
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.tables import SCALES, SKIPPED_SCALES, gaussian_tables
from trellic.errors import BadRequest
from trellic.metrics import psnr
from trellic.model import Model
from trellic.picture.types import Picture
from trellic.quantize import (
    QUANTIZERS,
    OperatingPoint,
    QuantizerParameters,
    deadzone,
    dequantize,
    quantizer_for,
    quantizer_named,
    rdoq,
    relatives,
    uniform,
)
from trellic.quantize.levels import OFFSETS, no_offsets

TABLES = gaussian_tables()
NAMES = [quantizer.name for quantizer in QUANTIZERS]
LATENTS = st.lists(
    st.tuples(
        st.floats(-300, 300, width=32), st.integers(SKIPPED_SCALES, SCALES - 1), st.integers(-(1 << 18), 1 << 18)
    ),
    max_size=20,
)


def arrays(latents):
    values = np.array([value for value, _, _ in latents], np.float32)
    scale_indices = np.array([scale_index for _, scale_index, _ in latents], np.uint8)
    return values, Parameters(scale_indices, np.array([mean for _, _, mean in latents], np.int32)), np.ones_like(values)


def quantizer_parameters(step: int = ONE, rate_weight: float = 0.0) -> QuantizerParameters:
    return QuantizerParameters(TABLES, no_offsets(1), step, rate_weight)


def cost(scaled: float, index: int, scale_index: int, weight: float, rate_weight: float) -> float:
    bits = estimate_bits(np.array([scale_index], np.uint8), np.array([index], np.int32), TABLES)
    return weight * (scaled - index) ** 2 + rate_weight * bits


@given(LATENTS, st.integers(300, 3000))
@settings(deadline=None)
def test_uniform_takes_the_nearest_level(latents, step):
    values, parameters, weights = arrays(latents)
    indices = uniform.quantize(values, parameters, weights, quantizer_parameters(step), 0)
    decoded = dequantize(indices, parameters.scale_indices, parameters.means, no_offsets(1), step)
    assert (np.abs(decoded - values) <= 0.5 * step / ONE + 1e-3).all()


@given(LATENTS, st.floats(0, 0.4))
@settings(deadline=None)
def test_the_dead_zone_is_zero_and_all_else_the_nearest(latents, rate_weight):
    values, parameters, weights = arrays(latents)
    indices = deadzone.quantize(values, parameters, weights, quantizer_parameters(rate_weight=rate_weight), 0)
    nearest = uniform.quantize(values, parameters, weights, quantizer_parameters(), 0)
    inside = np.abs(values.astype(np.float64) * ONE - parameters.means) / ONE < 0.5 + rate_weight
    assert (indices == np.where(inside, 0, nearest)).all()


@given(LATENTS, st.floats(0, 1), st.floats(0.2, 5))
@example([(65.0, 40, 262144)], 1.0, 0.5)
@settings(deadline=None)
def test_rdoq_takes_the_cheapest_of_its_candidates(latents, rate_weight, weight):
    values, parameters, _ = arrays(latents)
    weights = np.full_like(values, weight)
    indices = rdoq.quantize(values, parameters, weights, quantizer_parameters(rate_weight=rate_weight), 0)
    for value, scale_index, mean, index in zip(values, *parameters, indices, strict=True):
        scaled = (float(value) * ONE - int(mean)) / ONE
        below, sign = math.floor(abs(scaled)), math.copysign(1, scaled)  # both neighbours, farther from zero on a level
        candidates = {0, int(sign * below), int(sign * (below + 1))}
        least = min(cost(scaled, candidate, scale_index, weights[0], rate_weight) for candidate in candidates)
        assert cost(scaled, int(index), scale_index, weights[0], rate_weight) == pytest.approx(
            least, rel=1e-5, abs=1e-5
        )


def around_zero():
    """Return latents from -3 to 3 of a middle scale, means of zero."""
    values = np.linspace(-3, 3, 241, dtype=np.float32)
    return values, Parameters(np.full(len(values), 30, np.uint8), np.zeros(len(values), np.int32))


def test_the_zero_bin_of_deadzone_reaches_as_far_as_it_says():
    values, parameters = around_zero()
    indices = deadzone.quantize(values, parameters, np.ones_like(values), quantizer_parameters(rate_weight=0.2), 0)
    assert np.abs(values[indices == 0]).max() == pytest.approx(0.7, abs=0.03)


def test_rdoq_measures_errors_from_levels_where_offsets_move_them():
    values, parameters = around_zero()
    offsets = no_offsets(1)
    offsets[:] = (-200, 150, 100)
    moved = {index: index + offsets[0, min(index, OFFSETS) - 1] / ONE for index in (1, 2, 3, 4)} | {0: 0.0}
    plain = quantizer_parameters()._replace(offsets=offsets)
    indices = rdoq.quantize(values, parameters, np.ones_like(values), plain, 0)
    for value, index in zip(np.abs(values), np.abs(indices), strict=True):
        candidates = {0, max(int(value), 1), max(int(value), 1) + (value >= 1)}
        assert abs(value - moved[index]) <= min(abs(value - moved[each]) for each in candidates) + 1e-6


@pytest.fixture(scope="module")
def detail(photograph) -> Picture:
    """A quarter of the demonstration's picture, 384×256."""
    return Picture(photograph.pixels[128:384, 192:576])


@pytest.mark.parametrize("name", NAMES)
def test_every_quantizers_stream_decodes_to_the_encoders_latents(name, codec, detail):
    codec = codec.using(name)
    for quality in (5, 50, 95):
        stream = Stream.parse(codec.encode_picture(detail, Target(quality)).data)
        payloads = stream.read_units([0])[0]
        analysed = analyse(codec.sessions, detail.pixels, quality * QUALITY_ONE)
        coded = encode_latents(codec.sessions, analysed, codec.deployed)
        assert np.array_equal(decode_unit(codec.sessions, stream, 0, payloads).latents, coded.decoded["y"])
        assert payloads == [coded.data]
        assert 0 < 8 * len(coded.data) / coded.estimated_bits - 1 < 0.02


def test_the_trellis_takes_fewer_bytes_at_equal_psnr(codec, detail):
    sizes = {}
    for name in ("uniform", "rdoq", "tcq8", "tcq256"):
        data = codec.using(name).encode_picture(detail, Target(psnr=35.0)).data
        assert psnr(detail.pixels, codec.decode_picture(data).pixels) == pytest.approx(35.0, abs=0.05)
        sizes[name] = len(data)
    assert sizes["tcq256"] < sizes["tcq8"] < min(sizes["rdoq"], sizes["uniform"])


def test_a_model_without_trellis_tables_says_so():
    file = Model.read(GOLDEN / "golden.trm").file
    scalar = {name: array for name, array in file.tables.items() if not name.startswith(("gaussian_pair", "tcq"))}
    with pytest.raises(BadRequest, match="no tables for tcq32"):
        DeployedQuantizer.of(Model.of(replace(file, tables=scalar)), quantizer_named("tcq32"))


def test_efforts_are_ever_better_quantizers():
    numbers = [quantizer_for(effort).number for effort in range(1, 10)]
    assert numbers == sorted(set(numbers))
    with pytest.raises(BadRequest):
        quantizer_for(10)


def test_numbers_of_quantizers_are_part_of_the_format():
    numbers = {
        "uniform": 0, "deadzone": 1, "rdoq": 2, "tcq4": 3, "tcq8": 4, "tcq16": 5, "tcq32": 6, "tcq64": 7, "tcq128": 8,
        "tcq256": 9, "tcq512": 12, "tcq1024": 13,
    }  # fmt: skip
    assert {quantizer.name: quantizer.number for quantizer in QUANTIZERS} == numbers


def test_a_trellis_takes_the_tables_of_the_nearest_that_a_model_has():
    names = [one.name for one in relatives(quantizer_named("tcq32"))]
    assert names == ["tcq32", "tcq16", "tcq64", "tcq8", "tcq128", "tcq4", "tcq256", "tcq512", "tcq1024"]
    assert [one.name for one in relatives(quantizer_named("rdoq"))] == ["rdoq"]
    point, offsets = OperatingPoint(0.5, 1500.0, 0.02), np.full((2 * SCALES, OFFSETS), 7, np.int16)
    model = Model.read(GOLDEN / "golden.trm").with_quantizer("tcq8", (point,), gaussian_tables(2), offsets)
    found = DeployedQuantizer.of(model, quantizer_named("tcq256"))
    assert found.operating_points == (point,)
    assert np.array_equal(found.offsets, offsets)
    assert len(found.states.sets) == 256
