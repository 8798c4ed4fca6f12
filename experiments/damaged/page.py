"""What became of damaged streams."""

from experiments.store import lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("damaged")
    outcomes = list(dict.fromkeys(name for line in lines for name in line["outcomes"]))
    rows = []
    for line in lines:
        counts = [line["seed"], line["streams"], *(line["outcomes"].get(name, 0) for name in outcomes)]
        bounds = f"{line['slowest_seconds']:.2f}", f"{line['peak_gigabytes']:.2f}"
        rows.append([*map(str, [*counts, len(line["failures"])]), *bounds])
    titles = ["seed", "streams", *outcomes, "failures", "slowest (s)", "peak memory (GB)"]
    failures, streams = sum(len(line["failures"]) for line in lines), sum(line["streams"] for line in lines)
    return {**head, "table": Table(titles, rows).markdown(), "failures": f"{failures} of {streams}"}
