"""All quantizers, the same networks, at five qualities on Kodak and gb82."""

from pathlib import Path

from experiments.store import SETS, TEST, measure, ours
from trellic.quantize import QUANTIZERS

QUALITIES = (0, 25, 50, 75, 100)


def run(data: Path) -> None:
    """Measure what is missing."""
    codecs = [ours(quantizer.name)._replace(curve=QUALITIES) for quantizer in QUANTIZERS]
    measure("quantizers", codecs, [data / SETS[group] for group in TEST], ("psnr",))
