"""Tables of large pictures."""

from typing import Any

from experiments.store import lines_of
from trellic.evaluate.report.tables import NOTHING, Table, percent


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("large")
    sizes = [line for line in lines if "verb" in line]
    costs = [line for line in lines if "tile" in line]
    biggest = max(sizes, key=lambda line: line["peak_bytes"])
    rows = [
        [c["picture"], f"{c['width']}×{c['height']}", f"{c['tile']}×{c['tile']}", percent(c["bd_rate"], 2)]
        for c in costs
    ]
    return {
        **head,
        "sizes": _sizes(sizes).markdown(),
        "tiles": Table(["picture", "size", "tiles", "cost"], rows).markdown(),
        "memory": f"{biggest['peak_bytes'] / 1e6:.0f} MB",
    }


def _sizes(sizes: list[dict[str, Any]]) -> Table:
    """Return a row a size and a verb, with the time of a further megapixel against the next smaller picture."""
    rows = []
    smaller: dict[str, dict[str, Any]] = {}
    for line in sizes:
        verb, further = line["verb"], NOTHING
        if verb in smaller and verb != "decode a region":
            before = smaller[verb]
            seconds, megapixels = line["seconds"] - before["seconds"], line["megapixels"] - before["megapixels"]
            further = f"{seconds / megapixels:.3f}"
        smaller[verb] = line
        times = f"{line['seconds']:.2f}", further, f"{line['cpu_seconds']:.2f}"
        rows.append([f"{line['megapixels']:.3g}", verb, *times, f"{line['peak_bytes'] / 1e6:.0f}"])
    head = ["megapixels", "verb", "seconds", "seconds a further megapixel", "processors' seconds", "peak memory (MB)"]
    return Table(head, rows)
