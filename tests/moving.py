"""Frames for tests of videos."""

import numpy as np

from conftest import textured


def moving(count: int, height: int, width: int) -> list[np.ndarray]:
    """Return frames of a texture that moves by a pixel and a half, with a square that stays."""
    whole = textured(height + 64, width + 64).astype(np.float32)
    frames = []
    for number in range(count):
        right, down = divmod(3 * number, 2)[0], number
        frame = whole[down : down + height, right : right + width]
        if number % 2:
            frame = (frame + whole[down : down + height, right + 1 : right + 1 + width]) / 2
        frame = frame.astype(np.uint8)
        frame[: height // 3, : width // 3] = 90
        frames.append(frame)
    return frames
