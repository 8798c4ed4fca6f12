"""What the restoration filter saves, by set, and what it costs in bytes and time."""

from itertools import groupby

import numpy as np

from experiments.store import lines_of
from trellic.evaluate.report.tables import Table, percent

PARTS = ("all", "low", "high")


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, (setting, *lines) = lines_of("restoration")
    qualities = setting["qualities"]
    bits, sizes, times = [], [], []
    for name, group in groupby(lines, key=lambda line: line["set"]):
        found = list(group)
        means = [percent(float(np.mean([line["percent"]["psnr"][part] for line in found])), 2) for part in PARTS]
        eye = percent(float(np.mean([line["percent"]["ssimulacra2"]["all"] for line in found])), 2)
        each = [line["percent"]["psnr"]["all"] for line in found]
        bits.append([name, str(len(found)), *means, percent(max(each), 2), percent(min(each), 2), eye])
        sizes.append([name, *(f"{size:.0f}" for size in np.mean([line["weights"] for line in found], axis=0))])
        megapixels = sum(line["pixels"] for line in found) / 1e6
        seconds = [np.sum([line[what] for line in found], axis=0) / megapixels for what in ("encoding", "decoding")]
        times.append([name, *(f"{each:.2f} s" for pair in seconds for each in pair)])
    middle = qualities[len(qualities) // 2]
    titles = ["set", "pictures", "bits", f"up to quality {middle}", f"from quality {middle}", "least gain", "largest",
              "bits at equal SSIMULACRA2"]  # fmt: skip
    return {
        **head,
        "qualities": ", ".join(map(str, qualities)),
        "bits": Table(titles, bits).markdown(),
        "sizes": Table(["set", *(f"at quality {each}" for each in qualities)], sizes).markdown(),
        "times": Table(["set", "encode without", "with", "decode without", "with"], times).markdown(),
    }
