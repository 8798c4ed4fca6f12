"""Tables of layers."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean

import numpy as np

from experiments.progressive import theory
from experiments.progressive.run import DECIBELS, LAYERS, QUALITY
from experiments.store import TEST, Line, lines_of, results_of
from trellic.evaluate.bdrate import curve, pchip
from trellic.evaluate.report.tables import Table, percent

QUANTIZERS = ("deadzone", "tcq8")
WIDTHS = (0.5, 1.0, 2.0, 4.0)
"""Of cells, in mean magnitudes."""

Points = list[tuple[float, float]]


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("progressive")
    counts = [sum(line["set"] == name for line in lines) for name in TEST]
    cuts = [line["cuts"]["psnr"] for line in lines if "cuts" in line]
    rising = [_rises(line[kind]["psnr"]) for kind in LAYERS for line in lines]
    return {
        **head,
        "quality": str(QUALITY),
        "pictures": ", ".join(f"{count} pictures of {name}" for count, name in zip(counts, TEST, strict=True)),
        **{kind: _prefixes(lines, kind).markdown() for kind in LAYERS},
        "rising": f"{sum(rising)} of {len(rising)}",
        "decibels": ", ".join(map(str, DECIBELS)),
        "jpeg2000": _jpeg2000(lines).markdown(),
        "cuts": str(sum(map(len, cuts))),
        "worst": f"{max(_fall(found) for found in cuts):.2f}",
        "theory": _theory().markdown(),
    }


def _rises(values: Sequence[float]) -> bool:
    return all(before < after for before, after in pairwise(values))


def _fall(values: Sequence[float]) -> float:
    """Return how far any value lies below one before it, at most."""
    return float(max(np.maximum.accumulate(values) - values))


def _over(points: Points, curves: Sequence[Points]) -> str:
    """Return how much larger (bytes, PSNR) points are than curves, in per cent, on average over pictures."""
    found = []
    for (size, psnr), own in zip(points, curves, strict=True):
        x, y = curve(own)
        if x[0] <= psnr <= x[-1]:
            found.append(np.log(size) - pchip(x, y, np.array([psnr]))[0])
    return percent(100 * (float(np.exp(mean(found))) - 1), 1) if 2 * len(found) > len(points) else ""


def _single(lines: Sequence[Line], quantizer: str) -> list[Points]:
    """Return the curves of one-quality streams of each line's picture."""
    curves: dict[tuple[str, str], Points] = {}
    for record in results_of("quantizers").records:
        if record.codec == f"trellic {quantizer}" and record.psnr is not None:
            curves.setdefault((record.group, record.picture), []).append((record.bytes, record.psnr))
    return [curves[line["set"], line["picture"]] for line in lines]


def _prefixes(lines: Sequence[Line], kind: str) -> Table:
    """Return a table of prefixes, for both sets."""
    rows = []
    for name in TEST:
        own = [line for line in lines if line["set"] == name]
        curves = [_single(own, quantizer) for quantizer in QUANTIZERS]
        single = mean(line["single"]["seconds"][0] for line in own)
        for layer in range(LAYERS[kind]):
            points = [(line[kind]["bytes"][layer], line[kind]["psnr"][layer]) for line in own]
            bpp = mean(8 * size / line["pixels"] for (size, _), line in zip(points, own, strict=True))
            seconds = mean(line[kind]["seconds"][layer] for line in own)
            over = [_over(points, each) for each in curves]
            rows.append([
                f"{name}, {layer + 1}", f"{bpp:.3f}", f"{mean(psnr for _, psnr in points):.2f}", *over,
                f"{seconds:.2f}", f"{seconds / single:.1f}",
            ])  # fmt: skip
    beside = [f"over {quantizer}" for quantizer in QUANTIZERS]
    return Table(["layers", "bpp", "PSNR (dB)", *beside, "seconds", "times tcq8's"], rows)


def _jpeg2000(lines: Sequence[Line]) -> Table:
    """Return bits of JPEG 2000's prefixes beside those of halving."""
    rows = []
    for name in TEST:
        own = [line for line in lines if line["set"] == name]
        curves = [list(zip(line["halving"]["bytes"], line["halving"]["psnr"], strict=True)) for line in own]
        layers = [
            [(line["jpeg2000"]["bytes"][n], line["jpeg2000"]["psnr"][n]) for line in own] for n in range(len(DECIBELS))
        ]
        rows.append([name, *(_over(points, curves) for points in layers)])
    return Table(["set", *(f"{decibels} dB" for decibels in DECIBELS)], rows)


def _theory() -> Table:
    """Return bits and slopes of halving cells of several widths."""
    rows = []
    for width in WIDTHS:
        bits, gain = theory.halving(width, 1.0)
        rows.append([f"{width:g}", f"{bits:.3f}", f"{gain / (width / 2) ** 2 / bits:.3f}"])
    return Table(["width in mean magnitudes", "bits", "slope"], rows)
