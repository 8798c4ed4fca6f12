"""Quantizers on Kodak and gb82, by the same networks: every kind, trellises of 4 and 8 states, and the one deployed."""

from pathlib import Path

from experiments.store import DEPLOYED, SETS, TEST, measure, ours

NAMES = tuple(dict.fromkeys(("uniform", "deadzone", "rdoq", "tcq4", "tcq8", DEPLOYED)))
"""What more states than eight gain is measured by `states`."""
QUALITIES = (0, 25, 50, 75, 100)


def run(data: Path) -> None:
    """Measure what is missing."""
    codecs = [ours(name)._replace(curve=QUALITIES) for name in NAMES]
    measure("quantizers", codecs, [data / SETS[group] for group in TEST], ("psnr",))
