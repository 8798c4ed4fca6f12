"""The shipped model and other codecs, each at its best for PSNR and as people use it, on Kodak and gb82.

Files of other codecs depend on no model of ours: they are measured once, and kept in results/others.jsonl. Of seven
codecs that takes hours; only costs.py measures times that count.
"""

from pathlib import Path

from experiments.store import SETS, TEST, measure, ours
from trellic.cli.options import DEFAULT, DEFAULT_EFFORT
from trellic.evaluate.codecs import NAMES, codec_named
from trellic.evaluate.measure import MEASURES
from trellic.evaluate.ssimulacra2 import need_ssimulacra2


def run(data: Path) -> None:
    """Measure what is missing."""
    need_ssimulacra2()
    folders = [data / SETS[group] for group in TEST]
    measure("comparison", [ours()], folders, tuple(MEASURES))
    others = [codec_named(name, DEFAULT, DEFAULT_EFFORT) for name in NAMES if name != "trellic"]
    measure("comparison", others, folders, tuple(MEASURES), version="others")
