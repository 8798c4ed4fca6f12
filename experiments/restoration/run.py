"""What the restoration filter saves before any search: files of the shipped model at effort 6, with it and without."""

from pathlib import Path

from experiments.paired import measure_pair
from trellic import Codec

EVERY = {"cid22": 4, "kodak": 1, "gb82": 2}
"""One picture in so many of a set."""


def run(data: Path) -> None:
    """Measure all of it anew."""
    without, codec = Codec(threads=1, effort=6, restore=False), Codec(threads=1, effort=6)
    measure_pair("restoration", (without, codec), data, EVERY)
