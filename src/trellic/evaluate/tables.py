"""The tables of a comparison, as rows of words: made once, shown in Markdown and in HTML."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from trellic.evaluate.bdrate import BdRate
from trellic.evaluate.compare import Record, Results
from trellic.evaluate.summary import METRICS, Points, bits_against, mean_curve, saving, seconds_per_megapixel

LABELS = {
    "trellic": "trellic",
    "jpeg": "JPEG",
    "webp": "WebP",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "jpeg2000": "JPEG 2000",
    "hevc": "HEVC",
    "vvc": "VVC",
}
SAME = {
    "jpeg": ("jpeg",),
    "webp": ("webp",),
    "avif": ("av1",),
    "jpeg2000": ("jpeg2000",),
    "hevc": ("bpg444", "hm"),
    "vvc": ("vtm", "vtm18.0"),
}
"""Published curves, by their usual names, of encoders of the same format as a codec here."""
NOTHING = "–"
MEGA = 1e6


class Table(NamedTuple):
    """Rows of words below a head; the first column names the row, the others are figures unless `words`."""

    head: list[str]
    rows: list[list[str]]
    words: bool = False

    def markdown(self) -> str:
        """Return the table in Markdown."""
        rule = ["---", *["---" if self.words else "---:" for _ in self.head[1:]]]
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows))

    def html(self) -> str:
        """Return the table in HTML, savings marked."""
        head = "".join(f'<th scope="col">{escape(word)}</th>' for word in self.head)
        body = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>{"".join(_cell(word) for word in row[1:])}</tr>'
            for row in self.rows
        )
        kind = "words" if self.words else "figures"
        return f'<div class="scroll"><table class="{kind}"><tr>{head}</tr>{body}</table></div>'


def _cell(word: str) -> str:
    kind = ' class="saves"' if word.startswith("−") and "%" in word else ""
    return f"<td{kind}>{escape(word)}</td>"


def percent(value: float | None) -> str:
    """Return a signed percentage, or a dash."""
    return NOTHING if value is None else f"{value:+.1f} %".replace("-", "−")


def _range(rate: BdRate | None) -> str:
    return f"{rate.low:.1f} to {rate.high:.1f}".replace("-", "−") if rate else NOTHING


def bd_table(records: Sequence[Record], codecs: Sequence[str], images: Sequence[str]) -> Table:
    """Return what the first codec takes against every other, in each measure of quality."""
    head = [f"{LABELS[codecs[0]]} against"]
    for metric in METRICS:
        head += [f"{metric.name}, mean of pictures", "mean curve", f"range ({metric.unit})"]
    rows = []
    for other in codecs[1:]:
        row = [LABELS[other]]
        for metric in METRICS:
            found = saving(records, codecs[0], other, images, metric)
            part = "" if len(found.pictures) in {0, len(images)} else f" ({len(found.pictures)} of {len(images)})"
            rate = found.curve.percent if found.curve else None
            row += [percent(found.mean) + part, percent(rate), _range(found.curve)]
        rows.append(row)
    return Table(head, rows)


def published_table(records: Sequence[Record], codec: str, published: dict[str, Points]) -> Table:
    """Return what a codec's mean curve takes against published curves of PSNR."""
    ours = mean_curve(records, codec, METRICS[0])
    found = {name: bits_against(points, ours) for name, points in published.items()}
    rows = [[name, percent(rate.percent if rate else None), _range(rate)] for name, rate in found.items()]
    return Table([f"{LABELS[codec]} against", "PSNR, mean curve", "range (dB)"], rows)


def anchor_table(records: Sequence[Record], codecs: Sequence[str], published: dict[str, Points]) -> Table:
    """Return what codecs take here against what was published of the same format; of no rows where nothing was."""
    rows = []
    for codec in codecs:
        ours = mean_curve(records, codec, METRICS[0])
        for name in SAME.get(codec, ()):
            if name in published:
                rate = bits_against(published[name], ours)
                rows.append([LABELS[codec], name, percent(rate.percent if rate else None), _range(rate)])
    return Table(["measured here", "against, published", "PSNR, mean curve", "range (dB)"], rows)


def picture_table(records: Sequence[Record], codecs: Sequence[str], images: Sequence[str]) -> Table:
    """Return what the first codec takes against every other at equal PSNR, picture by picture."""
    savings = [saving(records, codecs[0], other, images, METRICS[0]).pictures for other in codecs[1:]]
    rows = [[image, *[percent(pictures.get(image)) for pictures in savings]] for image in images]
    return Table(["picture", *[f"against {LABELS[other]}" for other in codecs[1:]]], rows)


def speed_table(results: Results, records: Sequence[Record], codecs: Sequence[str]) -> Table:
    """Return times and memory of each codec."""
    head = ["codec"]
    head += [f"{action}, s per megapixel" for action in ("encode", "decode")]
    head += [f"{action} 64×64, ms" for action in ("encode", "decode")]
    head += [f"peak memory, {action}, MB (64×64)" for action in ("encode", "decode")]
    rows = []
    for codec in codecs:
        row = [LABELS[codec]]
        row += [f"{seconds_per_megapixel(records, codec, action):.3g}" for action in ("encode", "decode")]
        for entry in results.of("starts", codec=codec)[:1]:
            row += [f"{1000 * entry[f'{action}_seconds']:.3g}" for action in ("encode", "decode")]
        for entry in results.of("memory", codec=codec)[:1]:
            for action in ("encode", "decode"):
                peak, start = entry[f"{action}_bytes"] / MEGA, entry[f"start_{action}_bytes"] / MEGA
                row.append(f"{peak:.0f} ({start:.0f})")
        rows.append([*row, *[NOTHING] * (len(head) - len(row))])
    return Table(head, rows)


def settings_table(results: Results, codecs: Sequence[str]) -> Table:
    """Return how each codec was set."""
    return Table(["codec", "how it was set"], [[LABELS[codec], results.codecs[codec]] for codec in codecs], words=True)
