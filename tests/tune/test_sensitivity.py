"""Weights of latent channels: those of a picture's error, on what is coded and no more."""

import numpy as np
import pytest

from conftest import textured
from trellic.errors import NoPictures
from trellic.picture.types import Picture
from trellic.tune import sensitivity
from trellic.tune.sensitivity import LARGEST, SMALLEST, channel_costs, corners_of, measure_sensitivity


def test_corners_are_of_what_is_coded_and_no_more():
    pictures = [Picture(textured(height, width)) for height, width in ((200, 300), (63, 400), (128, 70))]
    assert [corner.shape for corner in corners_of(pictures, 64)] == [(128, 128, 3), (128, 64, 3)]
    with pytest.raises(NoPictures):
        corners_of(pictures[1:2], 64)


def test_weights_differ_by_channel_and_are_one_on_average(model, pictures):
    assert np.ptp(model.weights(0.5)) == 0
    weights = measure_sensitivity(model, pictures).weights(0.5)
    assert weights.std() > 0.01
    assert weights.mean() == pytest.approx(1.0, abs=0.3)


def test_the_correlation_with_the_error_that_was_there_cancels(monkeypatch):
    """Of a synthesis that shows latents as they are, an error costs its square in every channel, whatever was wrong."""
    monkeypatch.setattr(sensitivity, "synthesize", lambda sessions, decoded, quality: decoded["y"])
    random = np.random.default_rng(0)
    latents = random.normal(100, 20, (3, 16, 16)).astype(np.float32)
    pixels = (latents + random.normal(3, 2, latents.shape)).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    assert channel_costs(None, {"y": latents}, pixels, 0, seed=1) == pytest.approx(np.ones(3), rel=1e-3)


def test_weights_are_bounded(model, pictures, monkeypatch):
    costs = np.geomspace(1e-4, 1e4, model.latents)
    monkeypatch.setattr(sensitivity, "channel_costs", lambda *_: costs)
    weights = measure_sensitivity(model, pictures).weights(0.5)
    assert weights.max() / weights.min() == pytest.approx(LARGEST / SMALLEST, rel=1e-3)
