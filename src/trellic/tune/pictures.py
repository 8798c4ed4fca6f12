"""Which pictures a model is tuned on: some of a folder, evenly spread, so that a minute is enough."""

from collections.abc import Callable, Sequence
from pathlib import Path

from trellic.picture.pillow import readable
from trellic.picture.types import Picture, Pixels

MOST_CALIBRATED, MOST_FITTED = 12, 50
"""How many pictures quantizers are calibrated on, and tables fitted on."""


QUALITIES = (0, 20, 40, 60, 80, 100)
"""At which indices are counted, and previews and corrections fitted."""


def spread(paths: Sequence[Path], most: int) -> Sequence[Path]:
    """Return at most `most` of the paths, evenly spread."""
    return paths[:: max(1, -(-len(paths) // most))]


def some_pictures(paths: Sequence[Path], most: int, report: Callable[[str], None]) -> list[Picture]:
    """Return at most `most` of the pictures, evenly spread; those that cannot be read are reported and skipped."""
    return [picture for _, picture in readable(spread(paths, most), report)]


def middle_of(pixels: Pixels, most: int, multiple: int = 1) -> Pixels:
    """Return the middle of a picture, sides of at most so many pixels, and multiples of so many."""
    height, width = (min(side, most) // multiple * multiple for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]
