"""The tables of a comparison, as rows of words: made once, shown in Markdown and in HTML."""

import math
from collections.abc import Sequence
from html import escape
from statistics import mean
from typing import NamedTuple

from trellic.evaluate.bdrate import BdRate
from trellic.evaluate.codecs import LABELS
from trellic.evaluate.lines import Head
from trellic.evaluate.measure import Record
from trellic.evaluate.report.published import SAME
from trellic.evaluate.summary import (
    METRICS,
    PSNR,
    Points,
    Saving,
    bits_against,
    by_setting,
    mean_curve,
    pictures_of,
    saving,
    seconds_per_megapixel,
)

NOTHING = "–"
ACTIONS = ("encode", "decode")
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

    def text(self) -> str:
        """Return the table for a terminal: columns aligned to the right."""
        lines = (self.head, *self.rows)
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]
        return "\n".join("  ".join(map(str.rjust, line, widths)) for line in lines)

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


def percent(value: float | None, digits: int = 1) -> str:
    """Return a signed percentage, or a dash."""
    return NOTHING if value is None else f"{value:+.{digits}f} %".replace("-", "−")


def interval(found: Saving) -> str:
    """Return the mean over pictures with twice its standard error, as a signed percentage, or a dash."""
    if found.mean is None or found.error is None:
        return percent(found.mean)
    return f"{percent(found.mean).removesuffix(' %')} ± {found.error:.1f} %"


def span(rate: BdRate | None) -> str:
    """Return the range of quality that was compared, or a dash."""
    return f"{rate.low:.1f} to {rate.high:.1f}".replace("-", "−") if rate else NOTHING


def bd_table(records: Sequence[Record], codecs: Sequence[str]) -> Table:
    """Return BD-rates of the first codec against every other on a set, in each measure of quality."""
    head = [f"{LABELS[codecs[0]]} against"]
    for metric in METRICS:
        head += [f"{metric.name}, mean of pictures", "mean curve", f"range ({metric.unit})"]
    every = len(pictures_of(records))
    rows = []
    for other in codecs[1:]:
        row = [LABELS[other]]
        for metric in METRICS:
            found = saving(records, codecs[0], other, metric)
            part = "" if len(found.pictures) in {0, every} else f" ({len(found.pictures)} of {every})"
            rate = found.curve.percent if found.curve else None
            row += [interval(found) + part, percent(rate), span(found.curve)]
        rows.append(row)
    return Table(head, rows)


def averages_table(records: Sequence[Record], codec: str) -> Table:
    """Return a codec's rate, quality and times at each setting, averaged over pictures."""
    rows = []
    for setting, group in by_setting(records, codec).items():
        similarities = [record.ms_ssim for record in group if record.ms_ssim is not None]
        row = [f"{setting:g}", f"{mean(record.bpp for record in group):.4f}"]
        row.append(f"{mean(record.psnr if record.psnr is not None else math.inf for record in group):.3f}")
        row.append(f"{mean(similarities):.5f}" if similarities else NOTHING)
        row += [f"{mean(getattr(record, f'{action}_seconds') for record in group):.3f}" for action in ACTIONS]
        rows.append(row)
    return Table(["quality", "bpp", "PSNR (dB)", "MS-SSIM", *(f"{action} (s)" for action in ACTIONS)], rows)


def published_table(ours: dict[str, Points], published: dict[str, Points]) -> Table:
    """Return what mean curves of PSNR, by their labels, take against published ones."""
    rows = []
    for name, points in published.items():
        rates = [bits_against(points, curve) for curve in ours.values()]
        rows.append([name, *(percent(rate.percent if rate else None) for rate in rates), span(rates[0])])
    return Table(["against", *ours, "range (dB)"], rows)


def anchor_table(records: Sequence[Record], codecs: Sequence[str], published: dict[str, Points]) -> Table:
    """Return BD-rates of codecs here against published curves of the same format; empty where there are none."""
    rows = []
    for codec in codecs:
        ours = mean_curve(records, codec, PSNR)
        for name in SAME.get(codec, ()):
            if name in published:
                rate = bits_against(published[name], ours)
                rows.append([LABELS[codec], name, percent(rate.percent if rate else None), span(rate)])
    return Table(["measured here", "against, published", "PSNR, mean curve", "range (dB)"], rows)


def picture_table(records: Sequence[Record], codecs: Sequence[str]) -> Table:
    """Return BD-rates of the first codec against every other at equal PSNR, picture by picture."""
    savings = [saving(records, codecs[0], other, PSNR).pictures for other in codecs[1:]]
    rows = [
        [picture, *[percent(pictures.get(picture)) for pictures in savings]] for picture in sorted(pictures_of(records))
    ]
    return Table(["picture", *[f"against {LABELS[other]}" for other in codecs[1:]]], rows)


def speed_table(head: Head, records: Sequence[Record], codecs: Sequence[str]) -> Table:
    """Return times, the start not counted, and memory of each codec."""
    titles = ["codec", *(f"{action}, s per megapixel" for action in ACTIONS)]
    titles += [f"start, {action}, ms" for action in ACTIONS]
    titles += [f"peak memory, {action}, MB (64×64)" for action in ACTIONS]
    rows = []
    for codec in codecs:
        row, starts, peaks = [LABELS[codec]], head.starts.get(codec, {}), head.memory.get(codec)
        row += [f"{seconds_per_megapixel(records, codec, a, starts.get(a, 0.0)):.2g}" for a in ACTIONS]
        row += [f"{1000 * starts[a]:.2g}" if starts else NOTHING for a in ACTIONS]
        row += [f"{peaks[a] / MEGA:.0f} ({peaks[f'start_{a}'] / MEGA:.0f})" if peaks else NOTHING for a in ACTIONS]
        rows.append(row)
    return Table(titles, rows)


def settings_table(head: Head, codecs: Sequence[str]) -> Table:
    """Return how each codec was set."""
    return Table(["codec", "how it was set"], [[LABELS[codec], head.codecs[codec]] for codec in codecs], words=True)
