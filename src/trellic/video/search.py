"""The encoder's search, for frames: that of a residual picture looks at its sum with the prediction.

A reference is what a frame shows once it is restored, so it is that which the search brings nearer to the frame.
"""

import numpy as np

from trellic.codec.analysis import Analysed
from trellic.codec.costs import error_weight
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Coded
from trellic.codec.refinement import Refinement
from trellic.codec.search import Begin, Correct, search
from trellic.codec.tiles import windows
from trellic.container import Grid
from trellic.container.restoration import read_weights
from trellic.model import Sessions
from trellic.model.model import Floats
from trellic.picture.types import Picture, Pixels
from trellic.video.residual import MIDDLE, add_residual, hide, residual_of
from trellic.video.restoration import fit_frame, restore_frame


def searched(
    sessions: Sessions,
    deployed: DeployedQuantizer,
    pixels: Pixels,
    analysed: Analysed,
    coded: Coded,
    refinement: Refinement,
    prediction: Pixels | None = None,
    begin: Begin | None = None,
) -> Coded:
    """Return a frame coded better than `coded`, where it is to be searched and that is found.

    pixels      of the frame, uint8 (H, W, 3)
    analysed    the frame, or its residual picture
    prediction  that the residual picture is added to, uint8 (H, W, 3); None where the frame is coded as a picture
    begin       makes the range coder, where something goes before the latents
    """
    if not refinement.rounds:
        return coded
    height, width, _ = pixels.shape
    picture = pixels if prediction is None else residual_of(pixels, prediction)
    (window,) = windows(Picture(picture), Grid.whole(width, height), 0)
    quality, skipped = analysed.quality, analysed.skipped

    def shown_by(decoded: Pixels) -> Pixels:
        """Return the frame, (H, W, 3), before it is restored."""
        shown = np.ascontiguousarray(decoded.transpose(1, 2, 0))
        if prediction is None:
            return shown
        assert skipped is not None
        hide(shown, skipped)
        return add_residual(prediction, shown)

    def fit(decoded: Pixels) -> Correct:
        written = b""
        if refinement.restores:
            written, _ = fit_frame(shown_by(decoded), pixels, skipped, error_weight(quality))
        weights = read_weights(written, 1 if prediction is None else 2)

        def correct(decoded: Pixels) -> Floats:
            """Return what the sum with the prediction, restored, has more than the residual picture around mid-grey."""
            found = restore_frame(shown_by(decoded), weights, skipped).astype(np.float32)
            if prediction is not None:
                found += np.float32(MIDDLE) - prediction
            return found.transpose(2, 0, 1) - decoded

        return correct

    return search(sessions, window, analysed, coded, deployed, refinement.rounds, fit, begin)[1]
