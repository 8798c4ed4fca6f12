"""What adapters save: by whole files, by latents alone, their own bytes counted, and beside other codecs."""

import math
import re
from collections.abc import Sequence

import numpy as np

from experiments.adapters.run import DOMAINS, DRAWN, LATENTS, OTHERS, PLAIN, QUALITIES, WAVELETS, WAVELETS_ON
from experiments.store import results_of
from trellic.evaluate.codecs import LABELS
from trellic.evaluate.measure import Record
from trellic.evaluate.report.tables import NOTHING, Table, percent
from trellic.evaluate.summary import PSNR, by_setting, of_group, picture_curve, pictures_of, saving
from trellic.metrics import error_of, lambda_at

NAMES = {
    "xray_nih": "chest X-rays", "screen_browser": "web pages", "remote_sensing_rsscn7": "remote sensing",
    "game3d": "game frames",
}  # fmt: skip
COUNTS = (25, 100, 1000)
MIDDLE = 50
SIZE = re.compile(r"(\d+) bytes, (\d+) for decoders, (.*); by quality")


def slots() -> dict[str, str]:
    """Return the page's slots."""
    results = results_of("adapters")
    saved, weights, others, trained, missing = [], [], [], [], []
    for domain in DOMAINS:
        name, adapted = NAMES[domain], f"adapted to {domain}"
        records = of_group(results.records, domain)
        measured = {record.picture for record in records if record.codec == adapted}
        records = [record for record in records if record.picture in measured]
        found = SIZE.search(results.head.codecs.get(adapted, ""))
        if not records or not found:
            missing.append(name)
            continue
        size, decoder, how = int(found[1]), int(found[2]), found[3]
        trained.append([name, how, str(size), str(decoder), str(len(measured))])
        plain = LATENTS if domain in DRAWN else PLAIN
        saved.append([name, *_row(records, plain, adapted), *_bytes(records, plain, adapted, size)])
        if by_setting(records, f"all weights, {domain}"):
            weights.append(
                [name, *_row(records, "trellic", adapted), *_row(records, "trellic", f"all weights, {domain}")]
            )
        others.append([name, *(
            percent(saving(records, codec, other, PSNR).mean)
            for other in OTHERS for codec in (plain, adapted)
        )])  # fmt: skip
    counted = [f"with the adapter, {count}" for count in COUNTS]
    against = [f"{LABELS[other]}, {when}" for other in OTHERS for when in ("before", "after")]
    return {
        "model": results.head.model,
        "command": results.head.command,
        "commit": results.head.commit,
        "trained": Table(["pictures", "adapter", "bytes", "of them for decoders", "test pictures"], trained).markdown(),
        "saved": Table(
            ["pictures", "bits", "rate + λ · distortion", "bytes of a picture", "pays after", *counted], saved
        ).markdown(),
        "weights": _beside(weights),
        "others": Table(["pictures", *against], others).markdown(),
        "wavelets": _above_wavelets(of_group(results.records, WAVELETS_ON)).markdown(),
        "missing": f"No adapter is better on validation pictures, or none is measured: {', '.join(missing)}."
        if missing
        else "",
    }


def _above_wavelets(records: Sequence[Record]) -> Table:
    """Return how far above JPEG 2000 of as many bytes each quality is, in dB of PSNR, mean over pictures."""
    rows = []
    for name, codec in (("before", PLAIN), ("after", f"adapted to {WAVELETS_ON}")):
        row = [name]
        for own in by_setting(records, codec).values():
            gains = []
            for record in own:
                rates, decibels = zip(*picture_curve(records, WAVELETS, record.picture, PSNR), strict=True)
                if record.psnr is not None and rates[0] <= record.bpp <= rates[-1]:
                    gains.append(record.psnr - float(np.interp(math.log(record.bpp), np.log(rates), decibels)))
            row.append(f"{sum(gains) / len(gains):+.2f} dB".replace("-", "−") if gains else NOTHING)
        rows.append(row)
    return Table(["adapter", *(f"quality {quality}" for quality in QUALITIES)], rows)


def _beside(weights: Sequence[list[str]]) -> str:
    """Return what training all weights saves, where that was measured."""
    if not weights:
        return "What training all weights saves in as many steps is not measured yet."
    head = ["pictures", "adapter: bits", "rate + λ · distortion", "all weights: bits", "rate + λ · distortion"]
    table = Table(head, weights).markdown()
    return f"Beside an adapter, all weights trained for as many steps, by the recipe `joint`:\n\n{table}"


def _row(records: Sequence[Record], before: str, after: str) -> list[str]:
    """Return the BD-rate, mean over pictures, and the change of the mean log cost."""
    return [
        percent(saving(records, after, before, PSNR).mean, 2),
        percent(100 * cost_change(records, before, after), 2),
    ]


def cost_change(records: Sequence[Record], before: str, after: str) -> float:
    """Return the change of log(bpp + λ · MSE), mean over qualities, both averaged over pictures."""
    changes = []
    curves = [by_setting(records, codec) for codec in (before, after)]
    for quality in curves[0]:
        costs = []
        for curve in curves:
            errors = [error_of(one.psnr) if one.psnr is not None else 0.0 for one in curve[quality]]
            bpp = sum(one.bpp for one in curve[quality]) / len(errors)
            costs.append(math.log(bpp + lambda_at(quality / 100) * sum(errors) / len(errors)))
        changes.append(costs[1] - costs[0])
    return sum(changes) / len(changes)


def _bytes(records: Sequence[Record], plain: str, adapted: str, adapter: int) -> list[str]:
    """Return bytes of a picture at medium quality, after how many the adapter pays, and what numbers of them save."""
    mean = sum(one.bytes for one in by_setting(records, plain)[MIDDLE]) / len(pictures_of(records))
    rate = saving(records, adapted, plain, PSNR).mean
    if rate is None:
        return [f"{mean:.0f}", *[NOTHING] * (1 + len(COUNTS))]
    each = -rate / 100 * mean
    pays = str(math.ceil(adapter / each)) if each > 0 else "never"
    return [f"{mean:.0f}", pays, *(percent(rate + 100 * adapter / (count * mean)) for count in COUNTS)]
