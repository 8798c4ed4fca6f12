"""What weights in eight bits save and cost, by set."""

import numpy as np

from experiments.store import by_set, lines_of
from trellic.evaluate.report.tables import Table, percent

WEIGHTS = ("half precision", "eight bits")


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, (setting, *lines) = lines_of("compact")
    rows = []
    for name, group in by_set(lines):
        found = [line["percent"] for line in group]
        rows.append([name, str(len(found)), percent(float(np.mean(found)), 2), percent(max(found), 2)])
    sizes = [[kind, *(f"{size:,}" for size in found)] for kind, found in zip(WEIGHTS, setting["sizes"], strict=True)]
    return {
        **head,
        "quantizer": setting["quantizer"],
        "qualities": ", ".join(map(str, setting["qualities"])),
        "sizes": Table(
            ["weights of the transforms", "model file, bytes", "decoder half in browsers, bytes"], sizes
        ).markdown(),
        "table": Table(["set", "pictures", "bits at equal PSNR", "most"], rows).markdown(),
    }
