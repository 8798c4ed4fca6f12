"""What the search of effort 9 gains over effort 8, by set, and where it stands beside others' codecs."""

from itertools import groupby

import numpy as np

from experiments.store import PUBLISHED, Line, lines_of
from trellic.evaluate.report.published import read_published
from trellic.evaluate.report.tables import Table, percent
from trellic.evaluate.summary import bits_against

PARTS = ("all", "low", "high")
ANCHORS = ("vtm", "av1", "webp")
"""Published curves of Kodak."""


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
    return {
        **head,
        "qualities": ", ".join(map(str, first)),
        "table": Table(titles, rows).markdown(),
        "published": _beside_others([line for line in lines if line["set"] == "kodak"]).markdown(),
    }


def _beside_others(lines: list[Line]) -> Table:
    """Return bits of the mean curves of both efforts at equal PSNR, against published curves."""
    published = read_published(PUBLISHED)["kodak"]
    curves = {effort: np.mean([line["curves"][effort] for line in lines], axis=0) for effort in ("8", "9")}
    rows = []
    for anchor in ANCHORS:
        found = [bits_against(published[anchor], [(float(x), float(y)) for x, y in curve]) for curve in curves.values()]
        rows.append([anchor, *(percent(one.percent if one else None) for one in found)])
    return Table(["against", "effort 8", "effort 9"], rows)
