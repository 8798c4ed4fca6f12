"""What the search of effort 9 gains over effort 8, by set, and where it stands beside others' codecs."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from experiments.comparison.page import others
from experiments.store import PUBLISHED, Line, lines_of
from trellic.evaluate.codecs import LABELS
from trellic.evaluate.report.published import read_published
from trellic.evaluate.report.tables import Table, percent
from trellic.evaluate.summary import PSNR, Points, bits_against, of_group, picture_curve

EFFORTS, PARTS = ("8", "9"), ("all", "low", "high")
PEERS = ("webp", "jxl", "avif", "hevc", "vvc")
"""Each at its best."""


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
            for effort in EFFORTS
        ]
        rows.append([name, str(len(found)), *means, worst, *seconds])
    middle = first[len(first) // 2]
    titles = ["set", "pictures", "bits", f"up to quality {middle}", f"from quality {middle}", "least gain", "effort 8",
              "effort 9"]  # fmt: skip
    return {
        **head,
        "qualities": ", ".join(map(str, first)),
        "table": Table(titles, rows).markdown(),
        "others": _beside_others([line for line in lines if line["set"] == "kodak"]).markdown(),
    }


def _beside_others(lines: list[Line]) -> Table:
    """Return bits of both efforts at equal PSNR, against other codecs and VTM's published curve, on Kodak."""
    records = of_group(others().records, "kodak")
    vtm, rows = read_published(PUBLISHED)["kodak"]["vtm"], []
    for peer in PEERS:
        row = [LABELS[peer]]
        for effort in EFFORTS:
            found = [
                bits_against(picture_curve(records, peer, line["picture"], PSNR), _points(line["curves"][effort]))
                for line in lines
            ]
            row.append(percent(float(np.mean([one.percent for one in found if one]))))
        rows.append(row)
    means = [bits_against(vtm, _points(np.mean([line["curves"][effort] for line in lines], axis=0)))
             for effort in EFFORTS]  # fmt: skip
    rows.append(["VTM, published", *(percent(one.percent if one else None) for one in means)])
    return Table(["against", *(f"effort {effort}" for effort in EFFORTS)], rows)


def _points(curve: Iterable[Sequence[float]]) -> Points:
    return [(float(rate), float(quality)) for rate, quality in curve]
