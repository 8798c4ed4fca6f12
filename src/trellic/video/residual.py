"""Residuals as pictures: what a frame is beside its prediction, around mid-grey, is coded as pictures are."""

import numpy as np

from trellic.picture.types import Pixels
from trellic.video.field import SKIP_SIDE
from trellic.video.motion import Uint8s

MIDDLE = 128
"""The sample of a residual picture where the prediction is right."""


def residual_of(pixels: Pixels, prediction: Pixels) -> Pixels:
    """Return the residual picture of a frame and its prediction; all uint8 (H, W, 3). What is beyond ±127 is cut."""
    return np.clip(pixels.astype(np.int16) - prediction + MIDDLE, 0, 255).astype(np.uint8)


def hide(residual: Pixels, skipped: Uint8s) -> None:
    """Make a residual picture, uint8 (H, W, 3), mid-grey in skipped blocks, uint8 (H/64, W/64) rounded up."""
    for row, column in np.argwhere(skipped):
        residual[SKIP_SIDE * row : SKIP_SIDE * (row + 1), SKIP_SIDE * column : SKIP_SIDE * (column + 1)] = MIDDLE


def add_residual(prediction: Pixels, residual: Pixels) -> Pixels:
    """Return a frame from its prediction and its residual picture; all uint8 (H, W, 3)."""
    return np.clip(prediction.astype(np.int16) + residual - MIDDLE, 0, 255).astype(np.uint8)
