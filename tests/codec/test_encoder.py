"""What the encoder makes is pinned: its files do not grow, and its pictures get no worse, unnoticed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from conftest import GOLDEN, textured
from golden.encodings import PINNED, WAVES, made_of_photograph, made_of_waves
from trellic import Codec
from trellic.codec.analysis import analyse
from trellic.codec.encoder import encode_latents
from trellic.errors import BadRequest

PINS = json.loads(PINNED.read_text())


@pytest.mark.parametrize("name", WAVES)
def test_encoding_makes_files_of_waves_as_before(name):
    assert_as_pinned(made_of_waves(name), PINS["waves"][name])


def test_a_picture_is_continued_by_its_edges():
    sessions, pixels = Codec(str(GOLDEN / "golden.trm"), 1).sessions, textured(50, 70)
    continued = np.pad(pixels, ((0, 14), (0, 58), (0, 0)), mode="edge")
    own, other = (analyse(sessions, each, 12800).targets for each in (pixels, continued))
    assert own.keys() == other.keys()
    assert all(np.array_equal(own[name], other[name]) for name in own)


def test_the_photograph_takes_the_bytes_and_has_the_quality_that_it_had(codec):
    assert PINS["model"] == codec.model.name, "python tests/golden/encodings.py"
    for quality, pinned in PINS["photograph"].items():
        assert_as_pinned(made_of_photograph(codec, float(quality)), pinned)


def assert_as_pinned(made, pinned):
    assert made[0] == pytest.approx(pinned[0], rel=0.005)
    assert made[1] == pytest.approx(pinned[1], abs=0.02)


@pytest.mark.parametrize(
    "quantize",
    [lambda values, *_: values, lambda values, *_: np.zeros(len(values) - 1, np.int32), lambda *_: None],
    ids=["floats", "one too few", "none"],
)
def test_what_a_quantizer_of_another_gives_is_checked(quantize):
    codec = Codec(str(GOLDEN / "golden.trm"), 1, quantizer="rdoq")
    wrong = replace(codec.deployed, quantizer=codec.quantizer._replace(quantize=quantize))
    with pytest.raises(BadRequest, match="quantizer rdoq gives"):
        encode_latents(codec.sessions, analyse(codec.sessions, textured(64, 64), 12800), wrong)
