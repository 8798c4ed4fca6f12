"""What the records of a comparison say: mean curves, BD-rates in three measures of quality, times, savings."""

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from trellic.evaluate.bdrate import BdRate, bd_rate
from trellic.evaluate.compare import Record

Points = list[tuple[float, float]]


class Metric(NamedTuple):
    """A measure of quality, more being better: where it is in a record, its name, its unit, and on which scale."""

    key: str
    name: str
    unit: str
    scale: Callable[[float], float]


def decibels(similarity: float) -> float:
    """Return MS-SSIM on a scale that resolves what is near 1: −10 log₁₀(1 − MS-SSIM)."""
    return -10 * math.log10(max(1 - similarity, 1e-9))


METRICS = (
    Metric("psnr", "PSNR", "dB", lambda value: value),
    Metric("ms_ssim", "MS-SSIM", "dB", decibels),
    Metric("ssimulacra2", "SSIMULACRA2", "points", lambda value: value),
)


def picture_curve(records: Sequence[Record], codec: str, image: str, metric: Metric) -> Points:
    """Return (bits a pixel, quality) of one picture, settings in order; those without the figure are left out."""
    chosen = [entry for entry in records if entry["codec"] == codec and entry["image"] == image]
    chosen = [entry for entry in chosen if entry[metric.key] is not None]
    return [(entry["bpp"], metric.scale(entry[metric.key])) for entry in sorted(chosen, key=lambda e: e["bpp"])]


def mean_curve(records: Sequence[Record], codec: str, metric: Metric) -> Points:
    """Return (bits a pixel, quality), both averaged over pictures, a point a setting that has all figures."""
    groups: dict[float, list[Record]] = {}
    for entry in records:
        if entry["codec"] == codec:
            groups.setdefault(entry["setting"], []).append(entry)
    points = []
    for group in groups.values():
        values = [entry[metric.key] for entry in group]
        if None not in values:
            quality = np.mean([metric.scale(value) for value in values])
            points.append((float(np.mean([entry["bpp"] for entry in group])), float(quality)))
    return sorted(points)


def bits_against(anchor: Points, test: Points) -> BdRate | None:
    """Return the BD-rate, or None where the curves have no common range."""
    try:
        return bd_rate(anchor, test)
    except ValueError:
        return None


class Saving(NamedTuple):
    """Bits of one codec against another, per cent: of the mean curves, and picture by picture where curves overlap."""

    curve: BdRate | None
    pictures: dict[str, float]

    @property
    def mean(self) -> float | None:
        """The mean over pictures."""
        return float(np.mean(list(self.pictures.values()))) if self.pictures else None


def saving(records: Sequence[Record], codec: str, against: str, images: Sequence[str], metric: Metric) -> Saving:
    """Return what a codec takes against another at equal quality; negative is a saving."""
    curves = [mean_curve(records, name, metric) for name in (against, codec)]
    found = {
        image: bits_against(*[picture_curve(records, name, image, metric) for name in (against, codec)])
        for image in images
    }
    pictures = {image: rate.percent for image, rate in found.items() if rate}
    return Saving(bits_against(*curves), pictures)


def seconds_per_megapixel(records: Sequence[Record], codec: str, action: str) -> float:
    """Return the median over pictures and settings; action is encode or decode."""
    chosen = [entry for entry in records if entry["codec"] == codec]
    return median(entry[f"{action}_seconds"] * 1e6 / (entry["width"] * entry["height"]) for entry in chosen)
