"""What the searches of efforts 7 to 9 gain over effort 6, by set, and how they stand beside other codecs."""

from collections.abc import Iterable, Sequence

import numpy as np

from experiments.comparison.page import others
from experiments.store import PUBLISHED, Line, by_set, lines_of
from trellic.evaluate.codecs import LABELS
from trellic.evaluate.report.published import read_published
from trellic.evaluate.report.tables import Table, percent
from trellic.evaluate.summary import PSNR, Points, bits_against, of_group, picture_curve

PARTS = ("all", "low", "high")
PEERS = ("webp", "jxl", "avif", "hevc", "vvc")
"""Each at its best."""


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, (setting, *lines) = lines_of("search")
    efforts, rows, first = list(map(str, setting["efforts"])), [], setting["qualities"]
    for name, found in by_set(lines):
        pixels = sum(line["pixels"] for line in found)
        for effort in efforts:
            shown = ["–"] * (len(PARTS) + 1)
            if effort != efforts[0]:
                saved = [line["percent"][effort] for line in found]
                shown = [percent(float(np.mean([each[part] for each in saved])), 2) for part in PARTS]
                shown.append(percent(max(each["all"] for each in saved), 2))
            seconds = 1e6 * sum(line["seconds"][effort] for line in found) / pixels
            rows.append([name, str(len(found)), effort, *shown, f"{seconds:.1f} s"])
    middle = first[len(first) // 2]
    titles = ["set", "pictures", "effort", "bits", f"up to quality {middle}", f"from quality {middle}", "least gain",
              "a megapixel"]  # fmt: skip
    return {
        **head,
        "qualities": ", ".join(map(str, first)),
        "table": Table(titles, rows).markdown(),
        "others": _beside_others(efforts, [line for line in lines if line["set"] == "kodak"]).markdown(),
    }


def _beside_others(efforts: list[str], lines: list[Line]) -> Table:
    """Return bits of each effort at equal PSNR, against other codecs and VTM's published curve, on Kodak."""
    records = of_group(others().records, "kodak")
    vtm, rows = read_published(PUBLISHED)["kodak"]["vtm"], []
    for peer in PEERS:
        row = [LABELS[peer]]
        for effort in efforts:
            found = [
                bits_against(picture_curve(records, peer, line["picture"], PSNR), _points(line["curves"][effort]))
                for line in lines
            ]
            row.append(percent(float(np.mean([one.percent for one in found if one]))))
        rows.append(row)
    means = [bits_against(vtm, _points(np.mean([line["curves"][effort] for line in lines], axis=0)))
             for effort in efforts]  # fmt: skip
    rows.append(["VTM, published", *(percent(one.percent if one else None) for one in means)])
    return Table(["against", *(f"effort {effort}" for effort in efforts)], rows)


def _points(curve: Iterable[Sequence[float]]) -> Points:
    return [(float(rate), float(quality)) for rate, quality in curve]
