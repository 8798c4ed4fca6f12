"""Tables of rate and distortion, and against published curves."""

from experiments.comparison.page import others
from experiments.store import PUBLISHED, SETS, results_of
from trellic.evaluate.measure import Record
from trellic.evaluate.report.published import read_published
from trellic.evaluate.report.tables import NOTHING, Table, averages_table, percent, published_table, span
from trellic.evaluate.summary import PSNR, bits_against, bits_at, mean_curve, of_group, pictures_of, saving

RATES = (0.15, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)


def slots() -> dict[str, str]:
    """Return the page's slots."""
    results = results_of("rate_distortion")
    ours = {group: mean_curve(of_group(results.records, group), "trellic", PSNR) for group in SETS}
    published = read_published(PUBLISHED)["kodak"]
    vtm = bits_against(published["vtm"], ours["kodak"])
    top = [record for record in of_group(results.records, "kodak") if record.setting == 100]
    return {
        "model": results.head.model,
        "command": results.head.command,
        "commit": results.head.commit,
        "published": published_table({"trellic": ours["kodak"]}, published).markdown(),
        "webp": _against_webp(results.records).markdown(),
        "sets": "\n\n".join(_set(group, of_group(results.records, group)) for group in SETS),
        "vtm": percent(vtm.percent if vtm else None),
        "highest": f"{sum(record.psnr or 0 for record in top) / len(top):.1f} dB",
    }


def _set(group: str, records: list[Record]) -> str:
    head, rows, _ = averages_table(records, "trellic")
    table = Table(head[:-2], [row[:-2] for row in rows])  # times do not count here: other processes ran beside
    return f"### {group}: {len(pictures_of(records))} pictures\n\n{table.markdown()}"


def _against_webp(records: list[Record]) -> Table:
    """Return bits against WebP at its best: as a BD-rate, and where WebP has each rate."""
    rows = []
    theirs = [record for record in others().records if record.codec == "webp"]
    for group in ("kodak", "gb82"):
        both = [*of_group(records, group), *of_group(theirs, group)]
        curves = [mean_curve(both, codec, PSNR) for codec in ("webp", "trellic")]
        if len(pictures_of(of_group(theirs, group))) < len(pictures_of(of_group(records, group))):
            rows.append([group, *[NOTHING] * (3 + len(RATES))])
            continue
        found = saving(both, "trellic", "webp", PSNR)
        whole = found.curve.percent if found.curve else None
        rows.append([group, percent(found.mean), percent(whole), span(found.curve),
                     *(percent(bits_at(*curves, rate)) for rate in RATES)])  # fmt: skip
    head = ["set", "BD-rate, mean of pictures", "mean curve", "range (dB)", *(f"{rate:g} bpp" for rate in RATES)]
    return Table(head, rows)
