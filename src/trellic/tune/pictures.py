"""Which pictures a model is tuned on: some of a folder, evenly spread, so that a minute is enough."""

from collections.abc import Callable, Sequence
from pathlib import Path

from trellic.picture.pillow import readable
from trellic.picture.types import Picture

MOST_CALIBRATED, MOST_FITTED = 12, 50
"""How many pictures quantizers are calibrated on, and tables fitted on."""


def some_pictures(paths: Sequence[Path], most: int, report: Callable[[str], None]) -> list[Picture]:
    """Return at most `most` of the pictures, evenly spread; those that cannot be read are reported and skipped."""
    every = max(1, -(-len(paths) // most))
    return [picture for _, picture in readable(paths[::every], report)]
