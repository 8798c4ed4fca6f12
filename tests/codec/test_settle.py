"""A picture that was coded before comes nearer to its former latents; any other is left alone."""

import numpy as np
import pytest

from trellic import Codec
from trellic.codec.analysis import analyse
from trellic.codec.encoder import encode_latents, reconstruct
from trellic.codec.settle import settled
from trellic.container.header import QUALITY_ONE

QUALITY = 50 * QUALITY_ONE


@pytest.fixture(scope="module")
def pixels(photograph):
    return np.ascontiguousarray(photograph.pixels[128:320, 256:512])


def coded_by(codec, pixels):
    analysed = analyse(codec.sessions, pixels, QUALITY)
    coded = encode_latents(codec.sessions, analysed, codec.deployed)
    return analysed, coded, settled(codec.sessions, analysed, coded, codec.deployed)


@pytest.mark.parametrize("name", ["lattice", "uniform"])
def test_a_fresh_picture_and_other_levels_are_left_alone(pixels, name):
    _, coded, after = coded_by(Codec(quantizer=name), pixels)
    assert after is coded


def test_latents_come_nearer_to_those_of_the_generation_before(pixels):
    codec = Codec(quantizer="lattice")
    analysed, first, _ = coded_by(codec, pixels)
    _, plain, after = coded_by(codec, reconstruct(codec.sessions, first, analysed))

    def changed(coded) -> int:
        return int((np.abs(coded.decoded["y"] - first.decoded["y"]) > 0.4).sum())

    assert after is not plain
    assert changed(after) < 0.9 * changed(plain)
