"""What back projection saves: files of the default effort but for its search, with it and without."""

from pathlib import Path

from experiments.paired import measure_pair
from trellic import Codec

EVERY = {"cid22": 8, "kodak": 2, "gb82": 4}
"""One picture in so many of a set."""


def run(data: Path) -> None:
    """Measure all of it anew."""
    without, codec = Codec(threads=1), Codec(threads=1)
    codec.refinement = codec.refinement._replace(rounds=0)
    without.refinement = codec.refinement._replace(back_projects=False)
    measure_pair("projection", (without, codec), data, EVERY)
