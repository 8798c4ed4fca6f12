"""Which streams decoded to the same indices, by writer and reader."""

from experiments.store import lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("exactness")
    tables = []
    for what in dict.fromkeys(line["what"] for line in lines):
        chosen = [line for line in lines if line["what"] == what]
        readers = list(dict.fromkeys(line["reader"] for line in chosen))
        rows = []
        for writer in dict.fromkeys(line["writer"] for line in chosen):
            cells = {
                line["reader"]: f"{line['same']} / {line['streams']}" for line in chosen if line["writer"] == writer
            }
            rows.append([writer, *(cells[reader] for reader in readers)])
        tables.append(Table([what, *readers], rows).markdown())
    same, streams = (sum(line[key] for line in lines) for key in ("same", "streams"))
    return {**head, "tables": "\n\n".join(tables), "share": f"{same} of {streams}"}
