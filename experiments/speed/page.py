"""The table of times."""

from experiments.speed.run import DECODE
from experiments.store import lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("speed")
    found = {line["what"]: f"{line['value']:.3g} {line['unit']}" for line in lines}
    table = Table(["what", "measured"], [[what, value] for what, value in found.items()])
    return {**head, "table": table.markdown(), "decode": found[DECODE]}
