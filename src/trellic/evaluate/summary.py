"""Summaries of records: mean curves, BD-rates in three measures of quality, times."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from trellic.evaluate.bdrate import BdRate, bd_rate, curve, pchip
from trellic.evaluate.measure import Record

Points = list[tuple[float, float]]
USABLE = 30.0, 90.0
"""Points of SSIMULACRA2 from low quality to no visible loss: below, pictures are hardly used."""
SHORTEST = 1e-5
"""Seconds below which a time cannot be separated from that of starting."""


class Metric(NamedTuple):
    """A measure of quality, more being better: a field of records, its name, its unit, and on which scale.

    within  the figures at which codecs are compared by it
    """

    key: str
    name: str
    unit: str
    scale: Callable[[float], float]
    within: tuple[float, float] = (-math.inf, math.inf)

    def of(self, record: Record) -> float | None:
        """Return a record's figure on the scale, or None."""
        value = getattr(record, self.key)
        return None if value is None else self.scale(value)


def decibels(similarity: float) -> float:
    """Return MS-SSIM on a scale that resolves what is near 1: −10 log₁₀(1 − MS-SSIM)."""
    return -10 * math.log10(max(1 - similarity, 1e-9))


PSNR = Metric("psnr", "PSNR", "dB", lambda value: value)
METRICS = (
    PSNR,
    Metric("ms_ssim", "MS-SSIM", "dB", decibels),
    Metric("ssimulacra2", "SSIMULACRA2", "points", lambda value: value, USABLE),
)


def of_group(records: Sequence[Record], group: str) -> list[Record]:
    """Return the records of a set."""
    return [record for record in records if record.group == group]


def pictures_of(records: Sequence[Record]) -> list[str]:
    """Return the names of the pictures, in order."""
    return list(dict.fromkeys(record.picture for record in records))


def complete(records: Sequence[Record], curves: Mapping[str, Sequence[float]]) -> list[Record]:
    """Return the records of those pictures that every codec coded at every setting: only these can be compared.

    curves  the settings of each codec
    """
    have = {(record.codec, record.group, record.picture, record.setting) for record in records}
    wanted = [(codec, setting) for codec, settings in curves.items() for setting in settings]
    sound = {
        (record.group, record.picture)
        for record in records
        if all((codec, record.group, record.picture, setting) in have for codec, setting in wanted)
    }
    return [record for record in records if (record.group, record.picture) in sound]


def picture_curve(records: Sequence[Record], codec: str, picture: str, metric: Metric) -> Points:
    """Return (bits per pixel, quality) of one picture of a set, by rate; records without the figure are skipped."""
    chosen = [record for record in records if record.codec == codec and record.picture == picture]
    found = [(record.bpp, metric.of(record)) for record in sorted(chosen, key=lambda record: record.bpp)]
    return [(rate, quality) for rate, quality in found if quality is not None]


def by_setting(records: Sequence[Record], codec: str) -> dict[float, list[Record]]:
    """Return a codec's records by setting, lowest first."""
    groups: dict[float, list[Record]] = {}
    for record in sorted(records, key=lambda record: record.setting):
        if record.codec == codec:
            groups.setdefault(record.setting, []).append(record)
    return groups


def mean_curve(records: Sequence[Record], codec: str, metric: Metric) -> Points:
    """Return (bits per pixel, quality), both averaged over pictures, a point a setting that has all figures."""
    points = []
    for group in by_setting(records, codec).values():
        values = [metric.of(record) for record in group]
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            points.append((float(np.mean([record.bpp for record in group])), float(np.mean(known))))
    return sorted(points)


def bits_against(anchor: Points, test: Points, metric: Metric = PSNR) -> BdRate | None:
    """Return the BD-rate by a measure, or None where the curves have no common range."""
    try:
        return bd_rate(anchor, test, metric.within)
    except ValueError:
        return None


def bits_at(anchor: Points, test: Points, rate: float) -> float | None:
    """Return the per cent of bits that `test` takes at the quality of `anchor` at this rate; None out of range."""
    (anchor_quality, anchor_rate), (test_quality, test_rate) = curve(anchor), curve(test)
    at = np.interp(math.log(rate), anchor_rate, anchor_quality)
    if not (anchor_rate[0] <= math.log(rate) <= anchor_rate[-1] and test_quality[0] <= at <= test_quality[-1]):
        return None
    return 100 * (math.exp(float(pchip(test_quality, test_rate, np.array([at]))[0])) / rate - 1)


class Saving(NamedTuple):
    """Bits of one codec against another, per cent: of the mean curves, and picture by picture where curves overlap."""

    curve: BdRate | None
    pictures: dict[str, float]

    @property
    def mean(self) -> float | None:
        """The mean over pictures."""
        return float(np.mean(list(self.pictures.values()))) if self.pictures else None

    @property
    def error(self) -> float | None:
        """Twice the standard error of that mean, pictures being drawn at random; None of fewer than two."""
        values = list(self.pictures.values())
        return 2 * float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None


def saving(records: Sequence[Record], codec: str, against: str, metric: Metric) -> Saving:
    """Return the BD-rate of a codec against another on a set's records; negative is a saving."""

    def compared(curve: Callable[[str], Points]) -> BdRate | None:
        return bits_against(curve(against), curve(codec), metric)

    found = {
        picture: compared(lambda name, picture=picture: picture_curve(records, name, picture, metric))  # type: ignore[misc]
        for picture in pictures_of(records)
    }
    pictures = {picture: rate.percent for picture, rate in found.items() if rate}
    return Saving(compared(lambda name: mean_curve(records, name, metric)), pictures)


def seconds_per_megapixel(records: Sequence[Record], codec: str, action: str, start: float = 0.0) -> float:
    """Return the median over pictures and settings; action is encode or decode, `start` a time to subtract."""
    chosen = [record for record in records if record.codec == codec]
    return median(
        max(SHORTEST, getattr(record, f"{action}_seconds") - start) * 1e6 / (record.width * record.height)
        for record in chosen
    )
