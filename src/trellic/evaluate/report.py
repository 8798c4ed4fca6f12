"""The report of a comparison: one page that needs no server and no network, and the same tables in Markdown.

The page is report.html, filled in; charts are part of it, the pictures to look at lie beside it.
"""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from trellic.errors import BadRequest
from trellic.evaluate import charts
from trellic.evaluate.charts import HALF, WIDE, Mark, Series
from trellic.evaluate.compare import Results, machine
from trellic.evaluate.contestants import NAMES
from trellic.evaluate.summary import METRICS, Metric, Points, mean_curve, saving, seconds_per_megapixel
from trellic.evaluate.tables import (
    LABELS,
    bd_table,
    percent,
    picture_table,
    published_table,
    settings_table,
    speed_table,
)
from trellic.files import write_atomically

PAGE = Path(__file__).parent / "report.html"
SHOWN_AT_FIRST = ("vtm",)
"""Of the published curves, which are many; buttons show the rest."""


def read_published(path: Path, group: str) -> dict[str, Points]:
    """Return curves of (bits a pixel, PSNR) by name, from a file of {"bpp_psnr": …} by name, or of such groups.

    Raises BadRequest where it holds none.
    """
    try:
        curves = json.loads(path.read_text())
        curves = curves.get(group, curves)
        return {name: [(float(x), float(y)) for x, y in curve["bpp_psnr"]] for name, curve in curves.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadRequest(f"{path} holds no published curves of {group}") from error


class Report:
    """What is to be shown of a comparison.

    codecs     names, the first being the one that others are compared with
    images     those that every codec coded
    published  curves of PSNR measured by others
    Raises BadRequest where there is no picture, or nothing to compare with.
    """

    def __init__(
        self, results: Results, codecs: Sequence[str], images: Sequence[str], published: dict[str, Points]
    ) -> None:
        if not images or len(codecs) < 2:
            raise BadRequest("a report needs two codecs, and a picture that all of them coded")
        self.results, self.codecs, self.images, self.published = results, codecs, images, published
        shown = set(images)
        self.records = [entry for entry in results.lists["records"] if entry["image"] in shown]

    def write(self, folder: Path, command: str) -> None:
        """Write index.html and report.md into a folder."""
        for name, text in (("index.html", self.page(command)), ("report.md", self.markdown(command))):
            write_atomically(folder / name, lambda file, text=text: file.write(text.encode()))  # type: ignore[misc]

    def markdown(self, command: str) -> str:
        """Return the tables."""
        parts = [
            "# Codecs compared",
            f"{self._scope()}, `{command}`.",
            "BD-rate: bits at equal quality, negative being fewer. MS-SSIM in dB is −10 log₁₀(1 − MS-SSIM).",
            bd_table(self.records, self.codecs, self.images).markdown(),
            *self._published_markdown(),
            "One thread; medians over pictures and settings.",
            speed_table(self.results, self.records, self.codecs).markdown(),
            settings_table(self.results, self.codecs).markdown(),
            "At equal PSNR, picture by picture:",
            picture_table(self.records, self.codecs, self.images).markdown(),
        ]
        return "\n\n".join(parts) + "\n"

    def page(self, command: str) -> str:
        """Return the page."""
        first = LABELS[self.codecs[0]]
        values = {
            "first": escape(first),
            "scope": escape(self._scope()),
            "command": escape(command),
            "headlines": self._headlines(),
            "legend": self._legend(),
            "published_legend": self._published_legend(),
            "curves": "".join(f'<figure class="card">{self._curves(metric)}</figure>' for metric in METRICS),
            "bd_table": bd_table(self.records, self.codecs, self.images).html(),
            "published_table": self._published_table(),
            "anchor": escape(LABELS[self._anchor()]),
            "speed": "".join(f'<figure class="card">{self._speed(action)}</figure>' for action in ("encode", "decode")),
            "speed_table": speed_table(self.results, self.records, self.codecs).html(),
            "strips": self._strips(),
            "picture_table": picture_table(self.records, self.codecs, self.images).html(),
            "details": self._details(),
            "settings_table": settings_table(self.results, self.codecs).html(),
        }
        return Template(PAGE.read_text()).substitute(values)

    def _scope(self) -> str:
        """Return how many pictures were coded and where, in words."""
        pictures = "1 picture" if len(self.images) == 1 else f"{len(self.images)} pictures"
        return f"{pictures} on {machine()}"

    def _anchor(self) -> str:
        """Return the codec whose bits are 100 % in the charts of speed: JPEG, which everybody knows, if it is here."""
        return "jpeg" if "jpeg" in self.codecs else self.codecs[-1]

    def _headlines(self) -> str:
        """Return the savings at equal PSNR, large."""
        tiles = []
        for other in self.codecs[1:]:
            curve = saving(self.records, self.codecs[0], other, [], METRICS[0]).curve
            if curve:
                tiles.append(f"<div><dt>against {escape(LABELS[other])}</dt><dd>{percent(curve.percent)}</dd></div>")
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
                f"p{number}",
                name,
                number,
                [Mark(x, y, f"{name}, published: {x:.3f} bpp, {y:.2f} dB") for x, y in curve],
                dashed=True,
                hidden=name not in SHOWN_AT_FIRST,
            )
            for number, (name, curve) in enumerate(self.published.items())
        ]

    def _legend(self) -> str:
        """Return a button a codec, which shows and hides its curves."""
        return f'<div class="legend">{"".join(map(_button, self._measured(METRICS[0])))}</div>'

    def _published_legend(self) -> str:
        """Return a button a published curve, folded away."""
        if not self.published:
            return ""
        buttons = "".join(map(_button, self._others()))
        return f'<details><summary>Published curves</summary><div class="legend">{buttons}</div></details>'

    def _published_table(self) -> str:
        """Return the table against published curves, folded away."""
        if not self.published:
            return ""
        table = published_table(self.records, self.codecs[0], self.published).html()
        return f"<details><summary>Against published curves</summary>{table}</details>"

    def _published_markdown(self) -> list[str]:
        """Return the same in Markdown."""
        if not self.published:
            return []
        return ["Against published curves:", published_table(self.records, self.codecs[0], self.published).markdown()]

    def _curves(self, metric: Metric) -> str:
        """Return the chart of a measure of quality, its view where the first codec is and a little around."""
        series = self._measured(metric)
        title = f"<figcaption>{metric.name}</figcaption>"
        if not series:
            return f'{title}<p class="note">These pictures are too small for it.</p>'
        low, high = series[0].marks[0].x / 1.4, series[0].marks[-1].x * 1.4
        view = [mark for each in series for mark in each.marks if low <= mark.x <= high]
        shown = [*series, *(self._others() if metric.key == "psnr" else [])]
        canvas = WIDE if metric is METRICS[0] else HALF
        return title + charts.curves(shown, metric.key, view, f"{metric.name} ({metric.unit})", canvas)

    def _speed(self, action: str) -> str:
        """Return the chart of bits against JPEG's over the time to encode or decode."""
        series = []
        for codec in self.codecs:
            curve = saving(self.records, codec, self._anchor(), [], METRICS[0]).curve
            if curve:
                time, label = seconds_per_megapixel(self.records, codec, action), LABELS[codec]
                mark = Mark(time, curve.percent, f"{label}: {time:.3g} s per megapixel, {percent(curve.percent)}")
                series.append(Series(codec, label, NAMES.index(codec), [mark]))
        labels = f"{action}, seconds per megapixel", f"bits against {LABELS[self._anchor()]} (%)"
        return f"<figcaption>To {action}</figcaption>" + charts.scatter(series, *labels)

    def _strips(self) -> str:
        """Return the chart of every picture's saving against every other codec."""
        series = []
        for other in self.codecs[1:]:
            found = saving(self.records, self.codecs[0], other, self.images, METRICS[0]).pictures
            marks = [Mark(value, 0, f"{image}: {percent(value)}") for image, value in found.items()]
            if marks:
                series.append(Series(other, f"vs {LABELS[other]}", NAMES.index(other), marks))
        if not series:
            return '<p class="note">No two curves overlap.</p>'
        return charts.strips(series, f"bits of {LABELS[self.codecs[0]]} at equal PSNR (%)")

    def _details(self) -> str:
        """Return, as JSON to stand in a script element, the pictures that can be looked at and what each codec made."""
        pictures = []
        for image in self.images:
            found = [entry for codec in self.codecs for entry in self.results.of("details", codec=codec, image=image)]
            if found:
                coded = [{"key": "original", "label": "original", "file": found[0]["original"], "says": "not coded"}]
                for entry in found:
                    figures = [f"{entry['bytes']:,} bytes".replace(",", "\u202f")]
                    figures += [f"{entry['psnr']:.2f} dB"] if entry["psnr"] is not None else []
                    figures += [f"SSIMULACRA2 {entry['ssimulacra2']:.1f}"] if entry["ssimulacra2"] is not None else []
                    label = LABELS[entry["codec"]]
                    says = " · ".join(figures)
                    coded.append({"key": entry["codec"], "label": label, "file": entry["file"], "says": says})
                pictures.append({"image": image, "coded": coded})
        return json.dumps(pictures).replace("<", "\\u003c")


def _button(series: Series) -> str:
    """Return what shows and hides a curve."""
    return (
        f'<button type="button" class="c-{series.key}" data-toggle="{series.key}" '
        f'aria-pressed="{"false" if series.hidden else "true"}">{charts.swatch(series)}{escape(series.label)}</button>'
    )
