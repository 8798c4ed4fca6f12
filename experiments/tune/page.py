"""What tuning for SSIMULACRA2 gains and costs, by set."""

import numpy as np

from experiments.store import by_set, lines_of
from trellic.evaluate.report.tables import Table, percent


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, (setting, *lines) = lines_of("tune")
    rows = []
    for name, group in by_set(lines):
        found = [line["percent"] for line in group]
        means = [percent(float(np.mean([one[measure] for one in found])), 2) for measure in ("ssimulacra2", "psnr")]
        rows.append([name, str(len(found)), *means, percent(max(one["ssimulacra2"] for one in found), 2)])
    titles = ["set", "pictures", "bits by SSIMULACRA2", "bits by PSNR", "least gain by SSIMULACRA2"]
    return {
        **head,
        "quantizer": setting["quantizer"],
        "qualities": ", ".join(map(str, setting["qualities"])),
        "table": Table(titles, rows).markdown(),
    }
