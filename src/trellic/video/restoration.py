"""The restoration filter for frames: other frames are predicted from what it shows.

What is coded of a predicted frame and what is skipped have weights of their own: a skipped block is a prediction from
frames that have been restored, and needs another correction, or none.
"""

from collections.abc import Sequence

import numpy as np

from trellic.codec.fit_restoration import Mask, fitted, write_worthwhile
from trellic.codec.restoration import corrected
from trellic.container.restoration import Weights
from trellic.picture.types import Pixels, interleave
from trellic.video.field import SKIP_SIDE
from trellic.video.motion import Uint8s


def restore_frame(pixels: Pixels, weights: Sequence[Weights | None], skipped: Uint8s | None) -> Pixels:
    """Return a decoded frame, uint8 (H, W, 3), as it is shown.

    weights  of its parts; none where nothing is corrected
    skipped  1 for blocks that are not coded, uint8 (H/64, W/64), rounded up; None for an intra frame
    """
    if all(part is None for part in weights):
        return pixels
    planes = shown = _planes(pixels)
    for part, where in zip(weights, _parts(pixels, skipped), strict=True):
        if part is not None:
            shown = np.where(where, corrected(planes, part), shown)
    return _frame(shown)


def fit_frame(decoded: Pixels, original: Pixels, skipped: Uint8s | None, bits_of_error: float) -> tuple[bytes, Pixels]:
    """Return weights as they are written, nothing where they are not worth their bits, and the frame as it is shown.

    decoded, original  uint8 (H, W, 3)
    skipped            as for `restore_frame`
    bits_of_error      what a squared error of 1 in one sample is worth
    """
    planes, wanted, weights, saved = _planes(decoded), _planes(original), list[Weights | None](), 0.0
    shown = planes
    for where in _parts(decoded, skipped):
        found = fitted(planes, wanted, bits_of_error, where) if where.any() else None
        weights.append(found.weights if found else None)
        if found and found.weights is not None:
            shown = np.where(where, found.shown, shown)
            saved += bits_of_error * (found.error_without - found.error)
    written = write_worthwhile(weights, saved)
    return written, _frame(shown) if written else decoded


def _parts(pixels: Pixels, skipped: Uint8s | None) -> list[Mask]:
    height, width, _ = pixels.shape
    if skipped is None:
        return [np.ones((height, width), np.bool_)]
    left = skipped.repeat(SKIP_SIDE, axis=0).repeat(SKIP_SIDE, axis=1)[:height, :width] == 1
    return [~left, left]


def _planes(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _frame(planes: Pixels) -> Pixels:
    pixels = np.empty((*planes.shape[1:], 3), np.uint8)
    interleave(planes, pixels)
    return pixels
