"""A comparison's report on one set of pictures: charts and tables, for the page and in Markdown."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple

from trellic.evaluate.codecs import LABELS, NAMES
from trellic.evaluate.measure import Record
from trellic.evaluate.report import charts
from trellic.evaluate.report.charts import HALF, WIDE, Mark, Series
from trellic.evaluate.report.tables import Table, anchor_table, bd_table, percent, picture_table, published_table
from trellic.evaluate.summary import (
    METRICS,
    PSNR,
    Metric,
    Points,
    mean_curve,
    pictures_of,
    saving,
    seconds_per_megapixel,
)

PART = Path(__file__).parent / "set_page.html"
SHOWN_AT_FIRST = ("vtm",)
"""Of the published curves, which are many; buttons show the rest."""


class SetReport(NamedTuple):
    """The contents of a set's report.

    codecs     names, the first being the one that others are compared with
    records    of the set
    published  curves of PSNR on this set measured by others
    starts     seconds that a codec takes before it codes, by what it does
    """

    name: str
    codecs: Sequence[str]
    records: Sequence[Record]
    published: dict[str, Points]
    starts: dict[str, dict[str, float]]

    @property
    def title(self) -> str:
        """The set's name and how many pictures it has."""
        count = len(pictures_of(self.records))
        return f"{self.name}: {count} picture{'s' if count > 1 else ''}"

    def markdown(self) -> str:
        """Return the tables."""
        parts = [f"## {self.title}", bd_table(self.records, self.codecs).markdown()]
        if self.published:
            table = self._published_table()
            parts += ["Against published curves:", table.markdown()]
            anchors = anchor_table(self.records, self.codecs, self.published)
            parts += ["What was measured here against what others published:", anchors.markdown()] * bool(anchors.rows)
        table = picture_table(self.records, self.codecs)
        return "\n\n".join([*parts, "At equal PSNR, picture by picture:", table.markdown()])

    def html(self) -> str:
        """Return the part of the page."""
        values = {
            "set": escape(self.name, quote=True),
            "title": escape(self.title),
            "first": escape(LABELS[self.codecs[0]]),
            "headlines": self._headlines(),
            "legend": f'<div class="legend">{"".join(map(_button, self._measured(PSNR)))}</div>',
            "published_legend": self._published_legend(),
            "curves": "".join(f'<figure class="card">{self._curves(metric)}</figure>' for metric in METRICS),
            "bd_table": bd_table(self.records, self.codecs).html(),
            "published_tables": self._published_tables(),
            "anchor": escape(LABELS[self._anchor()]),
            "speed": "".join(f'<figure class="card">{self._speed(action)}</figure>' for action in ("encode", "decode")),
            "strips": self._strips(),
            "picture_table": picture_table(self.records, self.codecs).html(),
        }
        return Template(PART.read_text(encoding="utf-8")).substitute(values)

    def _published_table(self) -> Table:
        ours = {LABELS[self.codecs[0]]: mean_curve(self.records, self.codecs[0], PSNR)}
        return published_table(ours, self.published)

    def _anchor(self) -> str:
        """Return the codec whose bits are 100 % in the charts of speed: JPEG, which everybody knows, if it is here."""
        return "jpeg" if "jpeg" in self.codecs else self.codecs[-1]

    def _headlines(self) -> str:
        """Return the savings at equal PSNR, large."""
        tiles = []
        for other in self.codecs[1:]:
            mean = saving(self.records, self.codecs[0], other, PSNR).mean
            if mean is not None:
                tiles.append(f"<div><dt>against {escape(LABELS[other])}</dt><dd>{percent(mean)}</dd></div>")
        return "".join(tiles)

    def _measured(self, metric: Metric) -> list[Series]:
        """Return the mean curve of each codec that has one."""
        series = []
        for codec in self.codecs:
            points = mean_curve(self.records, codec, metric)
            label = LABELS[codec]
            marks = [Mark(x, y, f"{label}: {x:.3f} bpp, {y:.2f} {metric.unit}") for x, y in points]
            if len(marks) > 1:
                series.append(Series(codec, label, NAMES.index(codec), marks))
        return series

    def _others(self) -> list[Series]:
        """Return the published curves."""
        return [
            Series(
                "p-" + re.sub(r"\W", "-", name),
                name,
                number,
                [Mark(x, y, f"{name}, published: {x:.3f} bpp, {y:.2f} dB") for x, y in curve],
                dashed=True,
                hidden=name not in SHOWN_AT_FIRST,
            )
            for number, (name, curve) in enumerate(self.published.items())
        ]

    def _published_legend(self) -> str:
        """Return a button a published curve, folded away."""
        if not self.published:
            return ""
        buttons = "".join(map(_button, self._others()))
        return f'<details><summary>Published curves</summary><div class="legend">{buttons}</div></details>'

    def _published_tables(self) -> str:
        """Return the tables against published curves, folded away."""
        if not self.published:
            return ""
        table = self._published_table().html()
        text = f"<details><summary>Against published curves</summary>{table}</details>"
        anchors = anchor_table(self.records, self.codecs, self.published)
        if anchors.rows:
            summary = "What was measured here against what others published of the same format"
            text += f"<details><summary>{summary}</summary>{anchors.html()}</details>"
        return text

    def _curves(self, metric: Metric) -> str:
        """Return the chart of a measure of quality, its view where the first codec is and a little around."""
        series = self._measured(metric)
        title = f"<figcaption>{metric.name}</figcaption>"
        if not series:
            return f'{title}<p class="note">These pictures are too small for it.</p>'
        low, high = series[0].marks[0].x / 1.4, series[0].marks[-1].x * 1.4
        view = [mark for each in series for mark in each.marks if low <= mark.x <= high]
        shown = [*series, *(self._others() if metric.key == "psnr" else [])]
        canvas = WIDE if metric is PSNR else HALF
        name = escape(f"{self.name}-{metric.key}", quote=True).replace(" ", "-")
        return title + charts.curves(shown, name, view, f"{metric.name} ({metric.unit})", canvas)

    def _speed(self, action: str) -> str:
        """Return the chart of bits against JPEG's over the time to encode or decode."""
        series = []
        for codec in self.codecs:
            mean = saving(self.records, codec, self._anchor(), PSNR).mean
            if mean is not None:
                start = self.starts.get(codec, {}).get(action, 0.0)
                time, label = seconds_per_megapixel(self.records, codec, action, start), LABELS[codec]
                mark = Mark(time, mean, f"{label}: {time:.3g} s per megapixel, {percent(mean)}")
                series.append(Series(codec, label, NAMES.index(codec), [mark]))
        labels = f"{action}, seconds per megapixel", f"bits against {LABELS[self._anchor()]} (%)"
        return f"<figcaption>To {action}</figcaption>" + charts.scatter(series, *labels)

    def _strips(self) -> str:
        """Return the chart of every picture's saving against every other codec."""
        series = []
        for other in self.codecs[1:]:
            found = saving(self.records, self.codecs[0], other, PSNR).pictures
            marks = [Mark(value, 0, f"{picture}: {percent(value)}") for picture, value in found.items()]
            if marks:
                series.append(Series(other, f"vs {LABELS[other]}", NAMES.index(other), marks))
        if not series:
            return '<p class="note">No two curves overlap.</p>'
        return charts.strips(series, f"bits of {LABELS[self.codecs[0]]} at equal PSNR (%)")


def _button(series: Series) -> str:
    """Return what shows and hides a curve."""
    return (
        f'<button type="button" class="c-{series.key}" data-toggle="{series.key}" '
        f'aria-pressed="{"false" if series.hidden else "true"}">{charts.swatch(series)}{escape(series.label)}</button>'
    )
