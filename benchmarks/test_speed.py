"""Speed of the hot paths: `pytest benchmarks` (needs the bench extra)."""

import numpy as np
import pytest

from trellic.cli.demo import BUNDLED
from trellic.codec import Codec, Target
from trellic.entropy.parameters import Parameters
from trellic.entropy.rans import Decoder, Encoder
from trellic.entropy.tables import SKIPPED_SCALES, gaussian_tables, scale_of
from trellic.picture.pillow import read
from trellic.quantize import QUANTIZERS, QuantizerParameters
from trellic.quantize.levels import no_offsets


@pytest.fixture(scope="module")
def codec():
    return Codec()


@pytest.fixture(scope="module")
def symbols():
    random = np.random.default_rng(0)
    scale_indices = random.integers(SKIPPED_SCALES, 24, 500_000).astype(np.uint8)
    scales = np.array([scale_of(scale_index) for scale_index in range(64)])[scale_indices]
    return scale_indices, np.rint(random.normal(size=len(scale_indices)) * scales).astype(np.int32), gaussian_tables()


@pytest.fixture(scope="module")
def latents():
    """Half a million latents, by falling scale."""
    random = np.random.default_rng(0)
    scale_indices = np.sort(random.integers(SKIPPED_SCALES, 24, 500_000).astype(np.uint8))[::-1].copy()
    scales = np.array([scale_of(scale_index) for scale_index in range(64)])[scale_indices]
    line = (random.normal(size=len(scale_indices)) * scales).astype(np.float32)
    return line, Parameters(scale_indices, np.zeros(len(scale_indices), np.int32)), np.ones_like(line)


def encoded(scale_indices, indices, tables):
    encoder = Encoder()
    encoder.push(scale_indices, indices, tables)
    return encoder.finish()


def test_range_encode_half_a_million(benchmark, symbols):
    benchmark(encoded, *symbols)


def test_range_decode_half_a_million(benchmark, symbols):
    data = encoded(*symbols)
    benchmark(lambda: Decoder(data).pull(symbols[0], symbols[2]))


@pytest.mark.parametrize("quantizer", QUANTIZERS, ids=lambda quantizer: quantizer.name)
def test_search_half_a_million(benchmark, latents, quantizer):
    line, parameters, weights = latents
    sets = 2 if quantizer.states.is_trellis else 1
    settings = QuantizerParameters(gaussian_tables(sets), no_offsets(sets), quantizer.step, quantizer.rate_weight)
    benchmark(quantizer.quantize, line, parameters, weights, settings, 0)


@pytest.mark.parametrize("quantizer", ["uniform", "tcq8"])
def test_decode_by_quantizer_768x512(benchmark, quantizer):
    codec = Codec(quantizer=quantizer)
    benchmark(codec.decode_picture, codec.encode_picture(read(BUNDLED), Target(50)).data)


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_encode_768x512(benchmark, codec, quality):
    benchmark(codec.encode_picture, read(BUNDLED), Target(quality))


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_decode_768x512(benchmark, codec, quality):
    benchmark(codec.decode_picture, codec.encode_picture(read(BUNDLED), Target(quality)).data)
