"""Tables of the comparison, of those codecs that have coded every picture of a set at every setting."""

from functools import cache

from experiments.store import PUBLISHED, TEST, NotMeasured, path_of, results_of
from trellic.evaluate.codecs import BEST, LABELS, USUAL
from trellic.evaluate.lines import Head
from trellic.evaluate.measure import Record, Results
from trellic.evaluate.report.published import read_published
from trellic.evaluate.report.tables import (
    ACTIONS,
    NOTHING,
    Table,
    anchor_table,
    bd_table,
    interval,
    percent,
    picture_table,
    settings_table,
)
from trellic.evaluate.summary import METRICS, PSNR, complete, of_group, pictures_of, saving, seconds_per_megapixel

OURS = "rate_distortion"
"""The experiment that has the records of trellic."""
NOT_MEASURED = "Not measured yet."
FIGURE = "![Quality over bits a pixel of each codec, and bits over decoding time](docs/figures/comparison.svg)"


@cache
def others() -> Results:
    """Return what is known of other codecs."""
    path = path_of("comparison", "others")
    return Results.read(path) if path.exists() else Results(None)


@cache
def all_of(group: str) -> tuple[list[Record], list[str]]:
    """Return a set's records, and the codecs that coded all of it, trellic first."""
    records = of_group(results_of(OURS).records, group)
    wanted, codecs = set(pictures_of(records)), ["trellic"]
    for codec in LABELS:
        own = [record for record in of_group(others().records, group) if record.codec == codec]
        settings = sorted({record.setting for record in own})
        whole = [record for record in complete(own, {codec: settings}) if record.picture in wanted]
        if set(pictures_of(whole)) == wanted:
            records, codecs = [*records, *whole], [*codecs, codec]
    return records, codecs


def slots() -> dict[str, str]:
    """Return the page's slots."""
    results = results_of(OURS)
    head = Head(codecs={**others().head.codecs, **results.head.codecs})
    published = read_published(PUBLISHED)["kodak"]
    records, codecs = all_of("kodak")
    anchors = anchor_table(records, codecs, published)
    return {
        "model": results.head.model,
        "command": results.head.command,
        "commit": results.head.commit,
        "readme": f"{FIGURE}\n\n{readme()}",
        "settings": settings_table(head, [name for name in LABELS if name in head.codecs]).markdown(),
        "sets": "\n\n".join(_set(group) for group in TEST),
        "pictures": "\n\n".join(_pictures(group) for group in TEST),
        "anchors": anchors.markdown() if anchors.rows else NOT_MEASURED,
        **{f"{name}_{group}": _against(name, group) for name in BEST[1:] for group in TEST},
    }


def _against(name: str, group: str) -> str:
    """Return bits against a codec at equal PSNR on a set."""
    records, codecs = all_of(group)
    return interval(saving(records, "trellic", name, PSNR)) if name in codecs else NOTHING


def _set(group: str) -> str:
    records, codecs = all_of(group)
    table = bd_table(records, codecs).markdown() if len(codecs) > 1 else NOT_MEASURED
    return f"### {group}: {len(pictures_of(records))} pictures\n\n{table}"


def _pictures(group: str) -> str:
    records, codecs = all_of(group)
    shown = [name for name in codecs if name in BEST]
    table = picture_table(records, shown).markdown() if len(shown) > 1 else NOT_MEASURED
    return f"## {group}: {len(pictures_of(records))} pictures\n\n{table}"


def readme() -> str:
    """Return the README's table: three measures, each codec at its best and as people use it, and times, on Kodak."""
    records, codecs = all_of("kodak")
    names = [metric.name for metric in METRICS]
    head = ["trellic, on Kodak, against", *(f"{name}, at its best" for name in names)]
    head += [*(f"{name}, as used" for name in names), *(f"{action}, s per megapixel" for action in ACTIONS)]
    rows = []
    for name in BEST:
        row = [LABELS[name] if name != "trellic" else "(trellic itself)"]
        for variant in (name, USUAL.get(name, "")):
            known = variant in codecs and variant != "trellic"
            row += [percent(saving(records, "trellic", variant, m).mean) if known else NOTHING for m in METRICS]
        rows.append([*row, *(seconds(name, action) for action in ACTIONS)])
    return Table(head, rows).markdown()


def seconds(name: str, action: str) -> str:
    """Return the time of a codec, its start not counted, as `costs` measured it."""
    try:
        costs = results_of("costs")
    except NotMeasured:
        return NOTHING
    start = costs.head.starts[name][action]
    return f"{seconds_per_megapixel(costs.records, name, action, start):.2g}"
