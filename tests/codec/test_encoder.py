"""What the encoder makes is pinned: its files do not grow, and its pictures get no worse, unnoticed."""

import json

import numpy as np
import pytest

from conftest import GOLDEN, textured
from golden.encodings import PINNED, WAVES, made_of_photograph, made_of_waves
from trellic import Codec
from trellic.codec.analysis import analyse

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
