"""What an error is worth to the eye, position by position: less where the picture is busy, which hides it.

A weight is the inverse of the local standard deviation of luma, as in the masking of structural similarity and of video
encoders' adaptive quantization. It scales what a squared error costs in the search for indices, so bits go to smooth
parts; nothing of it is in the stream.
Sources: Wang et al., Image quality assessment: from error visibility to structural similarity (2004); Rec. ITU-R
BT.601 (luma).
"""

import numpy as np

from trellic.model.model import Floats
from trellic.picture.types import Pixels

PSNR, SSIMULACRA2 = TUNES = "psnr", "ssimulacra2"
"""The measures that an encoder can be tuned for."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
FLOOR = 200.0
"""Added to the variance, in 8-bit units²: below it, an error is seen about as well as on a plain surface."""
TYPICAL = 450.0
"""The variance and floor that have weight 1, about the mean over photographs: weights of tiles fit together."""


def visibility(pixels: Pixels, side: int) -> Floats:
    """Return the weight of a squared error in each cell of a side, float32 (H / side, W / side).

    pixels  uint8 (H, W, 3), with sides that are multiples of it
    """
    height, width = (size // side for size in pixels.shape[:2])
    cells = (pixels @ LUMA).reshape(height, side, width, side)
    weights: Floats = np.sqrt(np.float32(TYPICAL) / (cells.var(axis=(1, 3)) + np.float32(FLOOR)))
    return weights
