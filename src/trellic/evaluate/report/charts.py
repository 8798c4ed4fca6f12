"""Charts as inline SVG, drawn by hand: curves over a logarithmic rate, points over a logarithmic time, strips of dots.

Colours are classes (`c-NAME`), left to the page, which knows light from dark. Every codec also has a shape of its own,
so that colour is never the only difference; every mark has a title that says its figures.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import NamedTuple

LEFT, RIGHT, TOP, BOTTOM = 52, 18, 16, 46
STRIP = 44
LETTER = 8.5
"""About the width of a letter of a label."""
SHAPES = ("circle", "square", "diamond", "up", "down", "plus", "cross", "bar")


class Canvas(NamedTuple):
    """The size of a chart in pixels of the page, where there is room for it."""

    width: int
    height: int


WIDE, HALF = Canvas(1040, 460), Canvas(510, 380)


class Mark(NamedTuple):
    """A point and its title."""

    x: float
    y: float
    title: str


class Series(NamedTuple):
    """A codec's marks in a chart.

    number  chooses the shape
    dashed  a curve measured by others
    hidden  until a reader asks for it
    """

    key: str
    label: str
    number: int
    marks: Sequence[Mark]
    dashed: bool = False
    hidden: bool = False


class Axis(NamedTuple):
    """A range of values, linear or logarithmic, and where it lies in pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return the position of a value in pixels."""
        scale: Callable[[float], float] = math.log if self.log else float
        fraction = (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))
        return self.start + fraction * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return round values within the range."""
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if self.high / self.low < 1000 else (1,)
            candidates = [step * 10.0**decade for decade in decades for step in steps]
        else:
            raw = (self.high - self.low) / 6
            unit = 10.0 ** math.floor(math.log10(raw))
            step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
            candidates = [step * number for number in range(math.ceil(self.low / step), int(self.high / step) + 1)]
        return [value for value in candidates if self.low <= value <= self.high]


def spanning(values: Iterable[float], start: float, end: float, log: bool = False) -> Axis:
    """Return an axis over the values with some room at both ends."""
    known = list(values)
    low, high = min(known), max(known)
    if log:
        room = max(high / low, 1.2) ** 0.06
        return Axis(low / room, high * room, start, end, log)
    room = 0.06 * (high - low) or 1.0
    return Axis(low - room, high + room, start, end)


def shape(number: int, x: float, y: float, size: float, title: str) -> str:
    """Return a mark of the codec with this number, and its title."""
    s = size
    outlines = {
        "square": f"M{-s} {-s}H{s}V{s}H{-s}Z",
        "diamond": f"M0 {-1.35 * s}L{1.35 * s} 0L0 {1.35 * s}L{-1.35 * s} 0Z",
        "up": f"M0 {-1.2 * s}L{1.2 * s} {s}H{-1.2 * s}Z",
        "down": f"M0 {1.2 * s}L{1.2 * s} {-s}H{-1.2 * s}Z",
        "plus": f"M{-s / 2} {-s * 1.3}H{s / 2}V{-s / 2}H{s * 1.3}V{s / 2}H{s / 2}V{s * 1.3}H{-s / 2}V{s / 2}H{-s * 1.3}"
        f"V{-s / 2}H{-s / 2}Z",
        "bar": f"M{-s / 2} {-1.3 * s}H{s / 2}V{1.3 * s}H{-s / 2}Z",
    }
    kind = SHAPES[number % len(SHAPES)]
    text = f"<title>{escape(title)}</title>" if title else ""
    place = f'transform="translate({x:.1f} {y:.1f}){" rotate(45)" if kind == "cross" else ""}"'
    if kind == "circle":
        return f'<circle class="mark" r="{s}" {place}>{text}</circle>'
    return f'<path class="mark" d="{outlines["plus" if kind == "cross" else kind]}" {place}>{text}</path>'


def swatch(series: Series) -> str:
    """Return a codec's sign for a legend."""
    dash = ' class="line dashed"' if series.dashed else ' class="line"'
    mark = "" if series.dashed else shape(series.number, 14, 7, 4, "")
    return f'<svg class="swatch" viewBox="0 0 28 14" aria-hidden="true"><path{dash} d="M1 7H27"/>{mark}</svg>'


def _number(value: float) -> str:
    text = f"{value:g}" if 0.001 <= abs(value) < 10000 or value == 0 else f"{value:.0e}"
    return text.replace("-", "−")


def _frame(x: Axis, y: Axis, x_label: str, y_label: str) -> str:
    """Return grid, ticks and the axes' names."""
    parts = []
    for value in y.ticks():
        at = y.at(value)
        parts.append(f'<path class="grid" d="M{x.start} {at:.1f}H{x.end}"/>')
        parts.append(f'<text class="tick" x="{x.start - 8}" y="{at + 4:.1f}" text-anchor="end">{_number(value)}</text>')
    for value in x.ticks():
        at = x.at(value)
        parts.append(f'<path class="grid" d="M{at:.1f} {y.start}V{y.end}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{y.start + 18}" text-anchor="middle">{_number(value)}</text>')
    parts.append(f'<path class="axis" d="M{x.start} {y.start}H{x.end}"/>')
    parts.append(f'<text class="name" x="{x.end}" y="{y.start + 38}" text-anchor="end">{escape(x_label)}</text>')
    parts.append(f'<text class="name" x="{x.start - 8}" y="{y.end - 2}" text-anchor="start">{escape(y_label)}</text>')
    return "".join(parts)


def _svg(canvas: Canvas, description: str, body: str) -> str:
    """Return the whole picture."""
    size = f'viewBox="0 0 {canvas.width} {canvas.height}" style="min-width: {0.75 * canvas.width:.0f}px"'
    return f'<svg {size} role="img" aria-label="{escape(description)}">{body}</svg>'


def curves(series: Sequence[Series], name: str, view: Sequence[Mark], y_label: str, canvas: Canvas) -> str:
    """Return quality over bits per pixel, showing where the marks of `view` lie and cutting the rest off.

    name  the chart's own on its page
    """
    x = spanning((mark.x for mark in view), LEFT, canvas.width - RIGHT, log=True)
    y = spanning((mark.y for mark in view), canvas.height - BOTTOM, TOP + 14)
    lines = []
    for each in sorted(series, key=lambda each: (not each.dashed, -each.number)):
        path = " ".join(f"{x.at(mark.x):.1f},{y.at(mark.y):.1f}" for mark in each.marks)
        line = f'<polyline class="line{" dashed" if each.dashed else ""}" points="{path}"/>'
        size = 1.6 if each.dashed else 3.4
        marks = "".join(
            shape(0 if each.dashed else each.number, x.at(mark.x), y.at(mark.y), size, mark.title)
            for mark in each.marks
        )
        kind = f"c-{each.key}{' hidden' if each.hidden else ''}"
        lines.append(f'<g class="{kind}" data-series="{each.key}">{line}{marks}</g>')
    clip = f"clip-{name}"
    inside = f'x="{LEFT}" y="{TOP}" width="{x.end - x.start}" height="{y.start - TOP}"'
    box = f'<clipPath id="{clip}"><rect {inside}/></clipPath>'
    body = f'{box}{_frame(x, y, "bits per pixel", y_label)}<g clip-path="url(#{clip})">{"".join(lines)}</g>'
    return _svg(canvas, f"{y_label} over bits per pixel of each codec", body)


def scatter(series: Sequence[Series], x_label: str, y_label: str) -> str:
    """Return one labelled point a codec, time to the right."""
    x = spanning((mark.x for each in series for mark in each.marks), LEFT, HALF.width - RIGHT - 56, log=True)
    y = spanning((mark.y for each in series for mark in each.marks), HALF.height - BOTTOM, TOP + 24)
    placed = [(each, mark, (x.at(mark.x), y.at(mark.y))) for each in series for mark in each.marks]
    taken = [(at[0] - 6, at[0] + 6, at[1]) for _, _, at in placed]
    points = []
    for each, mark, at in placed:
        label = _label(each.label, at, taken)
        points.append(f'<g class="c-{each.key}">{shape(each.number, *at, 5.5, mark.title)}{label}</g>')
    return _svg(HALF, f"{y_label} over {x_label} of each codec", _frame(x, y, x_label, y_label) + "".join(points))


def _label(text: str, at: tuple[float, float], taken: list[tuple[float, float, float]]) -> str:
    """Return a label next to a point that overlaps none of the (left, right, middle) in `taken`, and add it to them."""
    width = LETTER * len(text)
    corners = [(at[0] + side, at[1] + shift) for shift in (0, -16, 16, -30, 30) for side in (11, -11 - width)]
    free = [
        (left, middle)
        for left, middle in corners
        if left > LEFT
        and not any(left < end and start < left + width and abs(middle - line) < 13 for start, end, line in taken)
    ]
    left, middle = (free or corners)[0]
    taken.append((left, left + width, middle))
    x, anchor = (left, "start") if left > at[0] else (left + width, "end")
    return f'<text class="label" x="{x:.1f}" y="{middle + 4:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def strips(series: Sequence[Series], x_label: str) -> str:
    """Return a row a codec, a dot a picture, a bar at the mean; zero is marked."""
    left = 130
    canvas = WIDE._replace(height=TOP + STRIP * len(series) + BOTTOM)
    values = [mark.x for each in series for mark in each.marks]
    x = spanning([*values, 0.0], left, canvas.width - RIGHT)
    base = canvas.height - BOTTOM
    parts = []
    for value in x.ticks():
        at = x.at(value)
        parts.append(f'<path class="{"axis" if value == 0 else "grid"}" d="M{at:.1f} {TOP}V{base}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{base + 18}" text-anchor="middle">{_number(value)}</text>')
    for row, each in enumerate(series):
        y = TOP + STRIP * (row + 0.5)
        dots = "".join(shape(each.number, x.at(mark.x), y, 4, mark.title) for mark in each.marks)
        mean = x.at(sum(mark.x for mark in each.marks) / len(each.marks))
        parts.append(
            f'<g class="c-{each.key}"><text class="label" x="{left - 14}" y="{y + 4:.1f}" text-anchor="end">'
            f'{escape(each.label)}</text><path class="mean" d="M{mean:.1f} {y - 15:.1f}V{y + 15:.1f}"/>{dots}</g>'
        )
    parts.append(f'<text class="name" x="{x.end}" y="{base + 38}" text-anchor="end">{escape(x_label)}</text>')
    return _svg(canvas, x_label, "".join(parts))
