"""The table of times."""

from experiments.store import lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("speed")
    rows = [[line["what"], f"{line['value']:.3g} {line['unit']}"] for line in lines]
    return {**head, "table": Table(["what", "measured"], rows).markdown(), "decode": dict(rows)[DECODE]}


DECODE = "decode tcq8, warm process"
