"""What the restoration filter saves: files of the shipped model at the default effort, with it and without."""

from pathlib import Path

from experiments.paired import measure_pair
from trellic import Codec

EVERY = {"cid22": 4, "kodak": 1, "gb82": 2}
"""One picture in so many of a set."""


def run(data: Path) -> None:
    """Measure all of it anew."""
    measure_pair("restoration", (Codec(threads=1, restore=False), Codec(threads=1)), data, EVERY)
