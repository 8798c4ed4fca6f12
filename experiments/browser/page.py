"""What a browser's decoder costs, and how exact it is."""

from experiments.store import lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("browser")
    sizes = Table(["file", "bytes", "compressed"], [])
    times = Table(["where", "milliseconds of processor time"], [])
    exact = Table(["quantizer", "streams", "same indices", "samples", "different", "largest difference"], [])
    views = Table(["in Chromium", "bytes sent", "milliseconds until decoded"], [])
    for line in lines:
        match line["what"]:
            case "size":
                sizes.rows.append([line["of"], f"{line['bytes']:,}", f"{line['packed']:,}"])
            case "time":
                times.rows.append([line["of"], str(line["milliseconds"])])
            case "exactness":
                counts = [f"{line[key]:,}" for key in ("streams", "same", "samples", "different", "largest")]
                exact.rows.append([line["quantizer"], *counts])
            case what:
                name = what.removeprefix("Chromium, ")
                views.rows.append([name, f"{line['bytes']:,}" if "bytes" in line else "", str(line["milliseconds"])])
    tables = {"sizes": sizes, "times": times, "exactness": exact, "views": views}
    return {**head, **{name: table.markdown() for name, table in tables.items()}}
