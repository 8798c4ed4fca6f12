"""Other codecs, each at its best for PSNR and as people use it, on Kodak and gb82.

Their files depend on no model of ours: they are measured once, one codec after the other, and kept in
results/others.jsonl. That takes hours of a processor. Ours are those of `rate_distortion`; times that count are
measured by `costs`.
"""

from pathlib import Path

from experiments.store import SETS, TEST, measure
from trellic.cli.options import DEFAULT, DEFAULT_EFFORT
from trellic.evaluate.codecs import codec_named
from trellic.evaluate.measure import MEASURES
from trellic.evaluate.ssimulacra2 import need_ssimulacra2

ORDER = (
    "jpeg", "webp", "avif", "jxl", "jpeg2000", "hevc", "vvc",
    "jpeg-usual", "webp-usual", "avif-usual", "hevc-usual", "jxl-usual", "vvc-usual",
)  # fmt: skip
"""Of other codecs: at their best first."""


def run(data: Path) -> None:
    """Measure what is missing."""
    need_ssimulacra2()
    folders = [data / SETS[group] for group in TEST]
    for name in ORDER:
        measure("comparison", [codec_named(name, DEFAULT, DEFAULT_EFFORT)], folders, tuple(MEASURES), version="others")
