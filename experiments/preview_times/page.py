"""The table of times of previews."""

from collections.abc import Sequence

from experiments.store import Line, lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("preview_times")
    return {**head, "times": _times(lines).markdown()}


def _times(lines: Sequence[Line]) -> Table:
    """Return milliseconds of each way of decoding, and how many times as quick as the whole it is."""
    rows = []
    for line in lines:
        whole = next(one["ms"] for one in lines if one["picture"] == line["picture"] and one["what"] == "decode")
        rows.append([f"{line['picture']}, {line['what']}", f"{line['ms']:.1f}", f"{whole / line['ms']:.1f}"])
    return Table(["what", "ms", "times as quick"], rows)
