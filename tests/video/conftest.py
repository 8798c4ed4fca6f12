"""Fixtures: the tiny model's codec, and what codes frames by it."""

from fractions import Fraction

import pytest

from conftest import GOLDEN
from trellic.codec import Target
from trellic.video import Structure, VideoCodec


@pytest.fixture(autouse=True)
def _golden_models(monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))


@pytest.fixture(scope="session")
def video_codec() -> VideoCodec:
    return VideoCodec(str(GOLDEN / "golden.trm"), threads=1, adapter="none")


@pytest.fixture(scope="session")
def coded(video_codec):
    """Codes frames at 25 a second."""

    def code(frames, quality=40.0, size=1, keyint=64, sound=b""):
        target, structure = Target(quality), Structure(size, keyint)
        return video_codec.encode(lambda: frames, Fraction(25), target, structure, 1, sound)

    return code
