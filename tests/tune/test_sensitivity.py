"""Weights of latent channels: those of a picture's error, on what is coded and no more."""

import numpy as np
import pytest

from conftest import textured
from trellic.errors import NoPictures
from trellic.picture.types import Picture
from trellic.tune.sensitivity import corners_of, measure_sensitivity


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
