"""What the restoration filter saves, by set, and what it costs in bytes and time."""

import numpy as np

from experiments.paired import bits_of, times_of
from experiments.store import by_set, lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, (setting, *lines) = lines_of("restoration")
    qualities = setting["qualities"]
    sizes = [
        [name, *(f"{size:.0f}" for size in np.mean([line["weights"] for line in found], axis=0))]
        for name, found in by_set(lines)
    ]
    return {
        **head,
        "qualities": ", ".join(map(str, qualities)),
        "bits": bits_of(qualities, lines).markdown(),
        "sizes": Table(["set", *(f"at quality {each}" for each in qualities)], sizes).markdown(),
        "times": times_of(lines).markdown(),
    }
