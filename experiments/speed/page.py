"""The table of times."""

from experiments.speed.run import DECODE
from experiments.store import lines_of
from trellic.evaluate.report.tables import Table


def rounded(value: float) -> str:
    """Return a number with three digits that count, or all of an integer's."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("speed")
    found = {line["what"]: f"{rounded(line['value'])} {line['unit']}" for line in lines}
    table = Table(["what", "measured"], [[what, value] for what, value in found.items()])
    return {**head, "table": table.markdown(), "decode": found[DECODE]}
