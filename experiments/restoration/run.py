"""What the restoration filter saves: files of the default effort but for its search, with it and without."""

from pathlib import Path

from experiments.paired import measure_pair
from trellic import Codec

EVERY = {"cid22": 4, "kodak": 1, "gb82": 2}
"""One picture in so many of a set."""


def run(data: Path) -> None:
    """Measure all of it anew."""
    without, codec = Codec(threads=1, restore=False), Codec(threads=1)
    for one in (without, codec):
        one.refinement = one.refinement._replace(rounds=0)
    measure_pair("restoration", (without, codec), data, EVERY)
