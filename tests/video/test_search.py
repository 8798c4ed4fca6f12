"""Frames are searched for what they show once they are predicted, coded and restored."""

from copy import copy
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from conftest import GOLDEN, textured
from moving import moving
from trellic.codec import Target
from trellic.codec.analysis import analyse
from trellic.codec.costs import error_weight
from trellic.codec.refinement import Refinement
from trellic.metrics import psnr
from trellic.video import Reader, Structure, VideoCodec, encoder
from trellic.video import search as searching
from trellic.video.frame_encoder import encode_predicted
from trellic.video.residual import MIDDLE, add_residual, hide, residual_of
from trellic.video.restoration import fit_frame
from trellic.video.search import searched


@pytest.fixture(scope="module")
def thorough():
    """A codec of a tiny model that searches."""
    return VideoCodec(str(GOLDEN / "golden.trm"), threads=1, effort=8, adapter="none")


def cost_of(made, frames):
    """In bits, as in training, at quality 40."""
    error = sum(np.square(one - other.astype(float)).sum() for one, other in shown(made, frames))
    return 8 * len(made.data) + error_weight(40 * 256) * error


def shown(made, frames):
    return zip(frames, Reader(made.data, threads=1), strict=True)


def test_fewer_bits_are_taken_and_decoders_have_what_the_encoder_had(thorough):
    frames, plain = moving(5, 70, 90), copy(thorough)
    plain.refinement = thorough.refinement._replace(rounds=0)
    made, without = (
        codec.encode(lambda: frames, Fraction(25), Target(40.0), Structure(2), 1) for codec in (thorough, plain)
    )
    decibels = [psnr(one, other) for one, other in shown(made, frames)]
    assert np.mean(decibels) == pytest.approx(made.psnr, abs=1e-9)
    assert cost_of(made, frames) < 0.98 * cost_of(without, frames)


def test_no_frame_is_searched_for_a_trial(thorough, monkeypatch):
    seen = []

    def encode(networks, pixels, turn, references, quality, refinement):
        seen.append((turn.number, refinement.rounds))
        return encode_predicted(networks, pixels, turn, references, quality, Refinement())

    monkeypatch.setattr(encoder, "encode_predicted", encode)
    thorough.encode(lambda: moving(9, 70, 90), Fraction(25), Target(40.0), Structure(), 1)
    assert sorted(number for number, rounds in seen if rounds) == list(range(1, 9))
    assert len(seen) > 8


@pytest.fixture
def correction_of(thorough, monkeypatch):
    """Returns what a search finds of how the decoded pixels of a frame, uint8 (H, W, 3), will be corrected."""

    def found(pixels, decoded, restores, prediction=None, skipped=None):
        seen = []

        def search(sessions, window, analysed, coded, deployed, rounds, fit, begin):
            assert np.array_equal(window.own, pixels if prediction is None else residual_of(pixels, prediction))
            planes = np.ascontiguousarray(decoded.transpose(2, 0, 1))
            seen.append(fit(planes)(planes))
            return analysed.targets["y"], coded

        monkeypatch.setattr(searching, "search", search)
        sessions = thorough.networks.intra
        analysed = replace(analyse(sessions, pixels, 12800), skipped=skipped)
        given = (sessions, thorough.networks.deployed, pixels, analysed, None, Refinement(5, restores), prediction)
        searched(*given)
        (added,) = seen
        return added.transpose(1, 2, 0)

    return found


def test_an_intra_frame_is_corrected_as_it_will_be_restored(correction_of):
    pixels = textured(70, 90)
    decoded = (pixels * 0.9).astype(np.uint8)
    written, shown = fit_frame(decoded, pixels, None, error_weight(12800))
    added = correction_of(pixels, decoded, restores=True)
    assert written
    assert np.array_equal(decoded + added, shown)
    assert not correction_of(pixels, decoded, restores=False).any()


@pytest.mark.parametrize("restores", [False, True])
def test_a_residual_picture_counts_by_its_sum_with_the_prediction(correction_of, restores):
    """Where the sum is cut at black or full, and where blocks are skipped, too."""
    pixels = textured(70, 150)
    prediction = np.clip(pixels.astype(int) + textured(150, 70).transpose(1, 0, 2) // 4 - 20, 0, 255).astype(np.uint8)
    decoded = np.full(pixels.shape, MIDDLE, np.uint8)
    decoded[:, :40] += 90
    decoded[:, 130:] -= 30
    skipped = np.array([[0, 0, 1], [0, 0, 0]], np.uint8)
    hidden = decoded.copy()
    hide(hidden, skipped)
    shown = add_residual(prediction, hidden)
    if restores:
        written, shown = fit_frame(shown, pixels, skipped, error_weight(12800))
        assert written
    added = correction_of(pixels, decoded, restores, prediction, skipped)
    assert np.array_equal(decoded + added, shown.astype(np.float32) - prediction + MIDDLE)


def test_nothing_is_searched_without_rounds(thorough, monkeypatch):
    monkeypatch.setattr(searching, "search", None)
    coded = object()
    assert searched(None, None, None, None, coded, Refinement(0, restores=True)) is coded
