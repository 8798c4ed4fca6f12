"""What corrected scales save, by set and quality, and what they cost in time."""

import numpy as np

from experiments.store import by_set, lines_of
from trellic.evaluate.report.tables import Table, percent


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, (setting, *lines) = lines_of("corrections")
    rows, times = [], []
    for name, found in by_set(lines):
        before, after = np.log(np.array([line["bytes"] for line in found])).transpose(1, 0, 2)
        saved = np.expm1((after - before).mean(axis=0)) * 100
        rows.append([name, str(len(found)), *(percent(float(each), 2) for each in saved)])
        one, other = np.array([line["seconds"] for line in found]).T
        times.append([name, f"{1e3 * one.mean():.1f}", f"{1e3 * other.mean():.1f}"])
    weights = [[str(number), *map(str, each)] for number, each in enumerate(setting["weights"], 1)]
    middle = setting["qualities"][len(setting["qualities"]) // 2]
    return {
        **head,
        "quantizer": setting["quantizer"],
        "middle": str(middle),
        "table": Table(["set", "pictures", *(f"at quality {each}" for each in setting["qualities"])], rows).markdown(),
        "times": Table(["set", "milliseconds without", "corrected"], times).markdown(),
        "weights": Table(["pass", "position", "neighbours", "channel"], weights).markdown(),
    }
