"""What back projection saves before any search: files of the shipped model at effort 6, with it and without."""

from pathlib import Path

from experiments.paired import measure_pair
from trellic import Codec

EVERY = {"cid22": 8, "kodak": 2, "gb82": 4}
"""One picture in so many of a set."""


def run(data: Path) -> None:
    """Measure all of it anew."""
    without, codec = Codec(threads=1, effort=6), Codec(threads=1, effort=6)
    without.refinement = codec.refinement._replace(back_projects=False)
    measure_pair("projection", (without, codec), data, EVERY)
