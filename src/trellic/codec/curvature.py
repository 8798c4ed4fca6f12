"""The curvature of a picture's error: what an error of each latent channel costs, as errors of this picture are.

The calibrated weights of channels say so for pictures in general, and for errors that come alone.
"""

import numpy as np

from trellic.codec.analysis import Analysed
from trellic.model.model import Floats

PRIOR, LEAST = 0.3, 0.4
"""The error, beside the mean channel's, with which a channel's calibrated weight counts for its curvature; and the
least curvature, beside what that weight says."""


def curvature_of(analysed: Analysed, decoded: Floats, gradient: Floats) -> Floats | None:
    """Return the picture's squared error per unit of squared error in each channel of y, (C, 1, 1).

    decoded   y, float32 (C, H, W); its errors are those from the targets
    gradient  half that of the picture's squared error by it, as it is seen, float32 (C, H, W)
    Half of a gradient is the curvature times the errors that made it, so errors times gradient, summed, beside errors
    squared say what it is for errors as they are, neighbours' that add up among them. Positions count by the root of
    what their errors cost, flat ones therefore little; where a channel has little error, its calibrated weight counts.
    What is returned holds where all is seen alike: the visibility of positions is divided out. None where the picture's
    error does not grow with the latents'.
    """
    counted, errors = analysed.counted, decoded - analysed.targets["y"]
    with np.errstate(all="ignore"):  # where there is no error at all, or no end to it
        roots = np.sqrt(np.maximum((errors * gradient).sum(axis=0), 0)) * (counted > 0)
        products = (roots * errors * gradient).sum(axis=(1, 2), keepdims=True)
        squares = (roots * counted * errors**2).sum(axis=(1, 2), keepdims=True)
        expected = analysed.weights * (products.sum() / (analysed.weights * squares).sum())
        prior = PRIOR * squares.mean()
        found = np.maximum((products + prior * expected) / (squares + prior), LEAST * expected)
    return found if found.min() > 0 and np.isfinite(found).all() else None
