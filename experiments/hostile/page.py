"""A table of hostile streams and the memory they take."""

from experiments.store import lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("hostile")
    rows = []
    for line in lines:
        size = f"{line['width']}×{line['height']}"
        rows.append([line["case"], size, f"{line['bytes'] / 1e6:.2f}", f"{line['peak_bytes'] / 1e6:.0f}"])
    table = Table(["stream", "pixels", "MB", "peak, MB"], rows).markdown()
    return {**head, "table": table, "most": f"{max(line['peak_bytes'] for line in lines) / 1e9:.2f} GB"}
