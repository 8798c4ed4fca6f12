"""Tables of a bulk run, and the plan of a million pictures: plain products of what was measured."""

from experiments.bulk.run import UNCUT
from experiments.store import command_of, lines_of
from trellic.bulk.tasks import MOST_BYTES, MOST_ROWS
from trellic.evaluate.report.tables import Table

MILLION, CORES = 1_000_000, 64
REQUESTS, LISTED = 2, 1000
"""To storage a picture, to read and to write; and names in a page of a listing."""
RATES = (
    "two bare processes",
    "Ray, folder to folder",
    "Ray beside bare processes",
    "Ray, bucket to bucket, workers killed",
    "two bare processes, their start included",
    "Ray, its start and the manifest included",
)
WHERE = ("folder to folder", "bucket to bucket")
COUNTS = {"pictures": "pictures", "killed": "workers killed", "objects": "objects"}
MEMORY = tuple(
    f"{what} of {whom}, {where}"
    for where in WHERE
    for whom in ("the driver", "a worker")
    for what in ("memory", "growth")
)
PARTS = (
    "listing",
    "listing, memory at its peak",
    "plan in memory",
    "keys in memory",
    "manifest, JSON lines",
    "manifest, Parquet",
    "reading it",
    "restart with nothing to do, folder",
)


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("bulk")
    killed, lines_of_killed = lines_of("bulk_kills")
    lines = lines + lines_of_killed
    value = {line["what"]: line["value"] for line in lines}
    text = {line["what"]: f"{line['value']:.3g} {line['unit']}" for line in lines}

    def table(names: tuple[str, ...]) -> str:
        return Table(["what", "measured"], [[name, text[name]] for name in names]).markdown()

    found = [
        [what, *(f"{value[f'{name}, {where}']:,.0f}" for where in WHERE)]
        for name, what in (
            ("records", "records in the manifest"),
            ("pictures recorded", "pictures in the manifest"),
            ("errors", "errors"),
            ("same bytes", "streams with the bytes of a bare process"),
        )
    ]
    return {
        **head, "kills": command_of("bulk_kills"), "commit_of_kills": killed["commit"],
        "rates": table(RATES), "memory": table(MEMORY), "parts": table(PARTS),
        "found": Table(["what", *WHERE], found).markdown(),
        **{name: f"{value[what]:,.0f}" for name, what in COUNTS.items()},
        "pixels": f"{value['pixels of a picture']:.2f}", "cost": f"{value['cost of a picture']:.2f}",
        "uncut": str(UNCUT), "ratio": f"{value['Ray beside bare processes']:.0f} %", "plan": plan(value).markdown(),
    }  # fmt: skip


def plan(value: dict[str, float]) -> Table:
    """Return the plan of a million pictures."""
    hours = MILLION * value["cost of a picture"] / 3600
    own = MILLION * (value["plan in memory"] + value["keys in memory"])
    peak = MILLION * value["listing, memory at its peak"]
    worker = max(value[f"memory of a worker, {where}"] for where in WHERE)
    lost = min(MOST_ROWS, int(MOST_BYTES / 1e3 / value["bytes of a source"]))
    rows = [
        ["coding", f"{hours:.0f} hours of a core: {hours / CORES:.1f} hours on {CORES} cores"],
        ["result", f"{value['bytes of a stream']:.0f} GB of streams"],
        ["memory", f"{worker:.0f} MB a core, {own / 1e9:.2f} GB for plan and keys"],
        ["listing", f"{MILLION // LISTED} requests, {value['listing']:.0f} s of a core, {peak / 1e9:.1f} GB"],
        ["requests", f"{REQUESTS} million"],
        ["manifest while running", f"{value['manifest, JSON lines'] * MILLION / 1e6:.0f} MB"],
        ["manifest as a table", f"{value['manifest, Parquet'] * MILLION / 1e6:.0f} MB"],
        ["starting again", f"{value['listing'] + value['reading it']:.0f} s of a core before the first picture"],
        [
            "done twice after a kill of all",
            f"{lost} pictures a core at most: {lost * value['cost of a picture']:.0f} s",
        ],
    ]
    return Table(["what", f"{MILLION:,} pictures"], rows)
