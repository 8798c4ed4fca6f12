"""The shipped model at eleven qualities on three sets."""

from pathlib import Path

from experiments.store import SETS, measure, ours
from trellic.evaluate.measure import MEASURES
from trellic.evaluate.ssimulacra2 import need_ssimulacra2


def run(data: Path) -> None:
    """Measure what is missing."""
    need_ssimulacra2()
    measure("rate_distortion", [ours()], [data / folder for folder in SETS.values()], tuple(MEASURES))
