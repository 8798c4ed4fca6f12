"""Residual pictures add up to the frame, and nothing wraps around."""

import numpy as np
import pytest

from trellic.video.residual import add_residual, residual_of


@pytest.mark.parametrize("difference", [-127, -1, 0, 1, 127])
def test_a_residual_is_what_its_prediction_lacks(difference):
    prediction = np.full((2, 3, 3), 128, np.uint8)
    frame = (prediction.astype(int) + difference).astype(np.uint8)
    residual = residual_of(frame, prediction)
    assert (residual == 128 + difference).all()
    assert np.array_equal(add_residual(prediction, residual), frame)


@pytest.mark.parametrize(("prediction", "residual", "wanted"), [(250, 255, 255), (5, 0, 0)])
def test_frames_are_cut_to_what_samples_can_be(prediction, residual, wanted):
    shown = add_residual(np.full((1, 1, 3), prediction, np.uint8), np.full((1, 1, 3), residual, np.uint8))
    assert (shown == wanted).all()


def test_residuals_are_cut_to_what_samples_can_be():
    black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
    assert (residual_of(white, black) == 255).all()
    assert (residual_of(black, white) == 0).all()
