"""The shipped model at eleven qualities on three sets."""

from pathlib import Path

from experiments.store import SETS, measure, ours


def run(data: Path) -> None:
    """Measure what is missing."""
    measure("rate_distortion", [ours()], [data / folder for folder in SETS.values()], ("psnr", "ms_ssim"))
