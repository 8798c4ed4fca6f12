"""The table of what more states of the trellis gain, by quality."""

from experiments.store import lines_of
from trellic.evaluate.report.tables import Table, percent


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, (setting, *lines) = lines_of("states")
    rows = [[line["quantizer"], *(percent(one, 2) for one in line["per_cent"])] for line in lines]
    titles = ["quantizer", *(f"quality {quality}" for quality in setting["qualities"])]
    return {**head, "pictures": str(setting["pictures"]), "table": Table(titles, rows).markdown()}
