"""The lattice: fixed levels, tables for where the mean lies, and a picture that was coded before stays what it is."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import GOLDEN, textured
from trellic.codec import Codec, Target
from trellic.codec.deployed import DeployedQuantizer
from trellic.container import Stream
from trellic.entropy.bits import estimate_bits
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.tables import SCALES, SKIPPED_SCALES, scale_of
from trellic.errors import BadRequest
from trellic.metrics import psnr
from trellic.picture.types import Picture
from trellic.quantize import LATTICE, QuantizerParameters, lattice, quantizer_to_tune
from trellic.quantize.lattice import FIRST_SCALE, NEAR, PHASES, SURE_SCALE
from trellic.quantize.settings import OperatingPoint

TABLES, OFFSETS = lattice.tables()
MODEL = str(GOLDEN / "golden.trm")
LATENTS = st.lists(
    st.tuples(
        st.floats(-300, 300, width=32), st.integers(SKIPPED_SCALES, SCALES - 1), st.integers(-(1 << 18), 1 << 18)
    ),
    min_size=1,
    max_size=20,
)


def arrays(latents, step):
    values = np.array([value for value, _, _ in latents], np.float32)
    scale_indices = np.array([scale_index for _, scale_index, _ in latents], np.uint8)
    parameters = Parameters(scale_indices, np.array([mean for _, _, mean in latents], np.int32))
    return values, lattice.place(parameters, step), parameters


def test_a_model_calibrated_for_rdoq_is_so_for_the_lattice():
    points = (OperatingPoint(0.2, 1500.0, 0.03), OperatingPoint(0.8, 800.0, 0.05))
    model = Codec(MODEL).model.with_quantizer("rdoq", points)
    assert DeployedQuantizer.of(model, LATTICE).operating_points == points


def settings_of(step: int, rate_weight: float) -> QuantizerParameters:
    return QuantizerParameters(TABLES, OFFSETS, step, rate_weight)


def test_what_weighs_more_is_rounded_less_for_bits():
    values = np.random.default_rng(0).uniform(-3, 3, 400).astype(np.float32)
    parameters = Parameters(np.full(400, SURE_SCALE, np.uint8), np.zeros(400, np.int32))
    placed = lattice.place(parameters, ONE)
    light, heavy = (
        lattice.quantize(values, placed, np.full(400, weight, np.float32), settings_of(ONE, 0.1), 0)
        for weight in (0.001, 100)
    )
    assert np.array_equal(heavy, np.rint(values))
    assert (np.abs(light) < np.abs(heavy)).sum() > 100


@given(LATENTS, st.integers(300, 3000))
@settings(deadline=None)
def test_a_wide_latents_level_does_not_depend_on_its_mean(latents, step):
    values, placed, parameters = arrays(latents, step)
    indices = lattice.quantize(values, placed, np.ones_like(values), settings_of(step, 0.0), 0)
    shown = lattice.dequantize(indices, placed.scale_indices, placed.means, OFFSETS, step)
    for value, mean, scale_index, index, at, level in zip(
        values, parameters.means, parameters.scale_indices, indices, placed.means, shown, strict=True
    ):
        origin = 0 if scale_index >= FIRST_SCALE else int(mean)
        assert (int(at) - origin) % step == 0
        assert abs((int(at) + int(index) * step) - float(value) * ONE) <= step / 2 + 1
        assert level * ONE == pytest.approx(int(at) + int(index) * step, abs=0.1)


@given(LATENTS, st.integers(300, 3000))
@settings(deadline=None)
def test_the_mean_lies_within_its_phase(latents, step):
    _, placed, parameters = arrays(latents, step)
    phases = (placed.scale_indices // SCALES).astype(int)
    above = parameters.means.astype(int) - placed.means
    wide = parameters.scale_indices >= FIRST_SCALE
    assert (placed.scale_indices % SCALES == parameters.scale_indices).all()
    assert (phases[~wide] == 0).all()
    centres = (2 * phases - PHASES + 1) / (2 * PHASES) * step
    assert (np.abs(above - centres)[wide] <= step / (2 * PHASES) + 1).all()


@given(LATENTS, st.floats(0.001, 1), st.floats(0.2, 5))
@settings(deadline=None)
def test_the_cheapest_of_the_candidates_is_taken(latents, rate_weight, weight):
    values, placed, _ = arrays(latents, ONE)
    indices = np.empty(len(values), np.int32)
    weights = np.full_like(values, weight)
    lattice._quantize(
        values, placed.means, placed.scale_indices, weights, ONE, rate_weight, TABLES.radius,
         TABLES.start, TABLES.bits, indices,
    )  # fmt: skip

    def cost(n: int, index: int) -> float:
        cdf_index = placed.scale_indices[n]
        bits = estimate_bits(np.array([cdf_index]), np.array([index], np.int32), TABLES)
        return weight * (float(values[n]) - placed.means[n] / ONE - index) ** 2 + rate_weight * bits

    for n, index in enumerate(indices):
        nearest = round(float(values[n]) - placed.means[n] / ONE)
        candidates = {nearest, nearest - (nearest > 0) + (nearest < 0), 0}
        assert cost(n, int(index)) == pytest.approx(min(cost(n, each) for each in candidates), rel=1e-4, abs=1e-4)


def test_tables_are_those_of_the_shifted_gaussian():
    for scale_index in (FIRST_SCALE, 30):
        for phase in range(PHASES):
            start, radius = TABLES.start[64 * phase + scale_index], TABLES.radius[64 * phase + scale_index]
            centre, sigma = (2 * phase - 3) / 8, scale_of(scale_index)
            for index in (-1, 0, 2):
                edges = [(index + side - centre) / sigma / math.sqrt(2) for side in (-0.5, 0.5)]
                expected = (math.erf(edges[1]) - math.erf(edges[0])) / 2
                assert TABLES.frequency[start + radius + index] / 65536 == pytest.approx(expected, abs=2e-3)


def test_tables_are_part_of_the_format():
    assert hashlib.sha256(TABLES.frequency.astype("<u4").tobytes()).hexdigest()[:16] == "c917dc62bd8d11dd"


def test_streams_name_it_by_its_number():
    stream = Stream.parse((GOLDEN / "lattice.tlic").read_bytes())
    assert stream.header.quantizer == LATTICE.number == 11


def test_latents_that_were_coded_before_are_recognized():
    random = np.random.default_rng(0)
    values = random.normal(0, 5, 4000).astype(np.float32)
    scale_indices = np.full(len(values), SURE_SCALE, np.uint8)
    placed = lattice.place(Parameters(scale_indices, random.integers(-999, 999, len(values), np.int32)), ONE)
    coded = np.rint(values) + random.normal(0, 0.09, len(values)).astype(np.float32)

    def distance(latents: np.ndarray) -> float:
        return lattice._rms_distance(latents, placed.means, placed.scale_indices, ONE)

    assert distance(coded) < NEAR < distance(values)
    again = lattice.quantize(coded, placed, np.ones_like(coded), settings_of(ONE, 0.5), 0)
    assert np.array_equal(placed.means / ONE + again, np.rint(coded))


def test_many_generations_lose_less_than_one_by_a_trellis(photograph):
    """On a detail of the demonstration's picture, by the shipped model."""
    pixels = photograph.pixels[128:256, 256:448]
    lost = {}
    for name in ("lattice", "tcq8"):
        codec, shown, seen = Codec(quantizer=name), pixels, []
        for _ in range(5):
            shown = codec.decode_picture(codec.encode_picture(Picture(shown), Target(50)).data).pixels
            seen.append(psnr(pixels, shown))
        lost[name] = seen[0] - seen[-1]
    assert lost["lattice"] < 0.4 * lost["tcq8"]


def test_it_is_not_tuned():
    with pytest.raises(BadRequest):
        quantizer_to_tune("lattice")


@pytest.mark.parametrize(("height", "width"), [(1, 1), (40, 50), (64, 200)])
def test_a_stream_of_any_size_decodes_to_the_encoders_latents(height, width):
    codec = Codec(MODEL, 1, quantizer="lattice")
    data = codec.encode(textured(height, width), 70)
    assert codec.decode(data).size == (width, height)
    assert codec.verify(data)
