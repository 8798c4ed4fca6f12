"""Screenshots, picture by picture: against WebP, against AVIF at high quality, and against WebP without loss."""

import math
from collections.abc import Sequence

import numpy as np

from experiments.limits.run import QUALITIES
from experiments.store import results_of
from trellic.evaluate.measure import Record
from trellic.evaluate.report.tables import NOTHING, Table, percent
from trellic.evaluate.summary import PSNR, of_group, pictures_of, saving

SCREENS, WEB_PAGES = "gb82_screens", "test"
"""Names of the sets: those of their folders."""
DECIBELS = (35, 38, 41, 44)


def slots() -> dict[str, str]:
    """Return the page's slots."""
    results = results_of("limits")
    screens = of_group(results.records, SCREENS)
    against_webp = saving(screens, "trellic", "webp-usual", PSNR)
    rows, ratios = [], []
    for picture in pictures_of(screens):
        own, avif, webp = (_of(screens, picture, codec) for codec in ("trellic", "avif", "webp-lossless"))
        exact = min((record for record in own if record.psnr is None), key=lambda each: each.setting, default=None)
        found = [_ratio(avif, own, decibels) for decibels in DECIBELS]
        ratios += [ratio for ratio in found if ratio is not None]
        rows.append(
            [
                picture,
                percent(against_webp.pictures.get(picture)),
                *(percent(None if ratio is None else 100 * (ratio - 1)) for ratio in found),
                f"{exact.setting:g}" if exact else NOTHING,
                _count(exact.bytes) if exact else NOTHING,
                _count(webp[0].bytes),
            ]
        )
    head = ["picture", "against WebP", *(f"against AVIF, {decibels} dB" for decibels in DECIBELS)]
    head += ["without loss from quality", "bytes then", "WebP lossless"]
    larger, coded = _larger_than_lossless(results.records)
    return {
        "model": results.head.model,
        "command": results.head.command,
        "commit": results.head.commit,
        "count": str(len(rows)),
        "qualities": _listed(QUALITIES, "and"),
        "decibels": _listed(DECIBELS, "or"),
        "pages": str(len(pictures_of(of_group(results.records, WEB_PAGES)))),
        "table": Table(head, rows).markdown(),
        "screens": percent(against_webp.mean),
        "avif_pictures": str(len({record.picture for record in screens if record.codec == "avif"})),
        "avif": percent(100 * (math.exp(float(np.mean(np.log(ratios)))) - 1)) if ratios else NOTHING,
        "larger": f"{larger} of {coded}",
        "lossless": percent(100 * (_lossless(results.records) - 1)),
    }


def _listed(numbers: Sequence[int], last: str) -> str:
    return f"{', '.join(map(str, numbers[:-1]))} {last} {numbers[-1]}"


def _of(records: Sequence[Record], picture: str, codec: str) -> list[Record]:
    return [record for record in records if (record.picture, record.codec) == (picture, codec)]


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _bytes_for(records: Sequence[Record], decibels: float) -> float | None:
    """Return the fewest bytes with at least so many dB: between two settings, or those of one that has more."""
    enough = [record.bytes for record in records if record.psnr is None or record.psnr >= decibels]
    lossy = sorted((record.psnr, math.log(record.bytes)) for record in records if record.psnr is not None)
    if lossy and lossy[0][0] <= decibels <= lossy[-1][0]:
        enough.append(round(math.exp(np.interp(decibels, *zip(*lossy, strict=True)))))
    return min(enough, default=None)


def _ratio(anchor: Sequence[Record], test: Sequence[Record], decibels: float) -> float | None:
    """Return the bytes of `test` over those of `anchor` for at least so many dB, or None where one has no such file."""
    theirs, ours = _bytes_for(anchor, decibels), _bytes_for(test, decibels)
    return ours / theirs if ours and theirs else None


def _pairs(records: Sequence[Record], codec: str) -> list[tuple[Record, Record]]:
    """Return each record of a codec with that of WebP without loss of the same picture."""
    lossless = {(record.group, record.picture): record for record in records if record.codec == "webp-lossless"}
    return [(record, lossless[record.group, record.picture]) for record in records if record.codec == codec]


def _larger_than_lossless(records: Sequence[Record]) -> tuple[int, int]:
    """Return how many files lose something and are larger than WebP's without loss, and how many there are."""
    pairs = _pairs(records, "trellic")
    return sum(own.psnr is not None and own.bytes > webp.bytes for own, webp in pairs), len(pairs)


def _lossless(records: Sequence[Record]) -> float:
    """Return the bytes of `--lossless` over those of WebP without loss, all pictures together."""
    pairs = _pairs(records, "trellic-lossless")
    return sum(own.bytes for own, _ in pairs) / sum(webp.bytes for _, webp in pairs)
