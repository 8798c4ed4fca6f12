"""What the search of effort 9 gains over effort 8, by set."""

from itertools import groupby

import numpy as np

from experiments.store import lines_of
from trellic.evaluate.report.tables import Table, percent

PARTS = ("all", "low", "high")


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, (setting, *lines) = lines_of("search")
    rows, first = [], setting["qualities"]
    for name, group in groupby(lines, key=lambda line: line["set"]):
        found = list(group)
        means = [percent(float(np.mean([line["percent"][part] for line in found])), 2) for part in PARTS]
        worst = percent(max(line["percent"]["all"] for line in found), 2)
        seconds = [
            f"{1e6 * sum(line['seconds'][effort] for line in found) / sum(line['pixels'] for line in found):.1f} s"
            for effort in ("8", "9")
        ]
        rows.append([name, str(len(found)), *means, worst, *seconds])
    middle = first[len(first) // 2]
    titles = ["set", "pictures", "bits", f"up to quality {middle}", f"from quality {middle}", "least gain", "effort 8",
              "effort 9"]  # fmt: skip
    return {**head, "qualities": ", ".join(map(str, first)), "table": Table(titles, rows).markdown()}
