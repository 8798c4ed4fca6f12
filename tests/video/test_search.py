"""Frames are searched for what they show once they are predicted, coded and restored."""

from copy import copy
from fractions import Fraction

import numpy as np
import pytest

from conftest import GOLDEN, textured
from moving import moving
from trellic.codec import Target
from trellic.codec.encoder import analyse
from trellic.codec.refinement import Refinement
from trellic.metrics import psnr
from trellic.video import Reader, Structure, VideoCodec, encoder
from trellic.video import search as searching
from trellic.video.encoder import OCTAVE
from trellic.video.frame_encoder import encode_predicted
from trellic.video.residual import MIDDLE, residual_of
from trellic.video.search import searched


@pytest.fixture(scope="module")
def thorough():
    """A codec of a tiny model that searches."""
    return VideoCodec(str(GOLDEN / "golden.trm"), threads=1, effort=8, adapter="none")


def cost_of(made):
    """In octaves of bits."""
    return np.log2(len(made.data)) - made.psnr / OCTAVE


def test_fewer_bits_are_taken_and_decoders_have_what_the_encoder_had(thorough):
    frames, plain = moving(5, 70, 90), copy(thorough)
    plain.refinement = thorough.refinement._replace(rounds=0)
    made, without = (
        codec.encode(lambda: frames, Fraction(25), Target(40.0), Structure(2), 1) for codec in (thorough, plain)
    )
    decibels = [psnr(one, other) for one, other in zip(frames, Reader(made.data, threads=1), strict=True)]
    assert np.mean(decibels) == pytest.approx(made.psnr, abs=1e-9)
    assert cost_of(made) < cost_of(without) - 0.01


def test_no_frame_is_searched_for_a_trial(thorough, monkeypatch):
    seen = []

    def encode(networks, pixels, turn, references, quality, refinement):
        seen.append((turn.number, refinement.rounds))
        return encode_predicted(networks, pixels, turn, references, quality, Refinement())

    monkeypatch.setattr(encoder, "encode_predicted", encode)
    thorough.encode(lambda: moving(9, 70, 90), Fraction(25), Target(40.0), Structure(), 1)
    assert sorted(number for number, rounds in seen if rounds) == list(range(1, 9))
    assert len(seen) > 8


@pytest.mark.parametrize("is_predicted", [False, True])
def test_what_is_restored_is_the_sum_with_the_prediction(thorough, monkeypatch, is_predicted):
    pixels = textured(64, 128)
    prediction = np.clip(pixels + np.arange(-64, 64, dtype=np.int16)[:, None], 0, 255).astype(np.uint8)
    skipped = np.array([[0, 1]], np.uint8) if is_predicted else None
    picture = residual_of(pixels, prediction) if is_predicted else pixels
    sessions, fitted = thorough.networks.intra, []

    def fit(shown, original, without, bits_of_error):
        fitted.append((shown, without))
        return b"", shown + np.uint8(1)

    def search(sessions, window, analysed, coded, deployed, rounds, correct, begin):
        assert rounds == 5
        assert np.array_equal(window.own, picture)
        added = correct(np.ascontiguousarray(window.own.transpose(2, 0, 1)))
        assert (added[:, :, :64] == 1).all()
        return coded

    monkeypatch.setattr(searching, "search", search)
    monkeypatch.setattr(searching, "fit_frame", fit)
    analysed = analyse(sessions, picture, 12800)
    object.__setattr__(analysed, "skipped", skipped)
    given = (pixels, analysed, None, Refinement(5, restores=True), prediction if is_predicted else None)
    searched(sessions, thorough.networks.deployed, *given)
    ((shown, without),) = fitted
    assert without is skipped
    inside = np.abs(pixels.astype(int) - prediction).max(axis=2)[:, :64] < MIDDLE
    assert np.array_equal(shown[:, :64][inside], pixels[:, :64][inside])
    if is_predicted:
        assert np.array_equal(shown[:, 64:], prediction[:, 64:])


def test_nothing_is_searched_without_rounds(thorough, monkeypatch):
    monkeypatch.setattr(searching, "search", None)
    coded = object()
    assert searched(None, None, None, None, coded, Refinement(0, restores=True)) is coded
