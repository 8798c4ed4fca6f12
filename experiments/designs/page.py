"""Tables of designs beside their references: each seed's change of cost, and whether it may be claimed."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

from experiments.designs.cells import CELLS, FEWER, GROWN, MINUTES, STARTS
from experiments.store import NO_MODEL, lines_of
from trellic.evaluate.report.tables import NOTHING, Table, percent

Line = dict[str, Any]
REFERENCES = {cell.comparison: cell.reference for cell in CELLS}
MILESTONE = "500"
TIMES_SPREAD = 2
"""A mean change counts where it is so many times the reference's own standard deviation over seeds."""
TRANSFORMS = "transforms"
TABLES = {
    "activations": (TRANSFORMS, ("leaky", "gdn", "soft", "hard")),
    "blocks": (TRANSFORMS, ("leaky", "dense", "gated", "near", "invertible")),
    "compaction": (TRANSFORMS, ("leaky", "compaction 0.05", "compaction 0.1", "compaction 0.2")),
    "fused": (TRANSFORMS, ("leaky", "mixed")),
    **{name.replace(" ", "_"): (name, ()) for name in REFERENCES if name != TRANSFORMS},
}
"""Tables of the page: a comparison, and what of it is shown, if not all."""
MEASURES = {
    "distance": "distance",
    "log-likelihood, nats": "likelihood",
    "coding gain, dB": "gain",
    "in 48 channels": "gathered",
}
"""What `latents_of` measures, by the heads of tables."""


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("designs", NO_MODEL)
    cells = [line for line in lines if "seed" in line]
    blocks = [line for line in lines if "block" in line]
    return {
        **{key: head[key] for key in ("command", "commit", "machine")},
        "cells": str(len(cells)),
        "minutes": f"{MINUTES:g}",
        "fewer": f"{FEWER:g}",
        "grown": f"{GROWN:g}",
        "start": f"{STARTS['small']:g}",
        "seeds": str(len({line["seed"] for line in cells})),
        "times": Table(
            ["block", "time", "ms"],
            [[one["block"], f"{one['ratio']:.2f}", f"{one['milliseconds']:.2f}"] for one in blocks],
        ).markdown(),
        "latents": _latents(cells, "activations", {"distance": 4, "log-likelihood, nats": 4}).markdown(),
        "energy": _latents(cells, "compaction", {"coding gain, dB": 3, "in 48 channels": 4}).markdown(),
        "high": _high(cells).markdown(),
        "phases": _phases(cells).markdown(),
        "denoised": _denoised(cells).markdown(),
        **_gains(cells, blocks),
        **{f"of_{name}": _comparison(*TABLES[name], cells, lines).markdown() for name in TABLES},
        "spread": percent(100 * stdev(_costs(cells, TRANSFORMS, "leaky")), 2).removeprefix("+"),
    }


def _gains(cells: Sequence[Line], blocks: Sequence[Line]) -> dict[str, str]:
    """Return the numbers that the page's text has: of each option the mean change, by comparison and name."""
    found = {name: [line["psnr"][-1] for line in _of(cells, "high rates", name)] for name in _options("high rates")}
    decibels = mean(found["invertible"]) - mean(found["autoencoder"])
    times = {line["block"]: f"{line['ratio']:.2f}" for line in blocks}
    changes = {
        f"{comparison}_{option}".replace(" ", "_"): percent(mean(_changes(cells, comparison, option)), 1)
        for comparison in REFERENCES
        for option in _options(comparison)[1:]
    }
    return {
        "decibels": f"{decibels:+.2f} dB".replace("-", "−"),
        "near_time": times["near"],
        "attend_time": times["attend"],
        **changes,
    }


def _of(cells: Sequence[Line], comparison: str, option: str) -> list[Line]:
    """Return the cells of an option, by seed."""
    found = [line for line in cells if (line["comparison"], line["option"]) == (comparison, option)]
    return sorted(found, key=lambda line: line["seed"])


def _costs(cells: Sequence[Line], comparison: str, option: str, steps: str = "") -> list[float]:
    """Return each seed's cost, at the end or after so many steps; none where not all came so far."""
    found = _of(cells, comparison, option)
    if steps and not all(steps in line["at_steps"] for line in found):
        return []
    return [line["at_steps"][steps] if steps else line["cost"] for line in found]


def _options(comparison: str) -> list[str]:
    """Return what a comparison has, the reference first."""
    return [cell.option for cell in CELLS if cell.comparison == comparison]


def _changes(cells: Sequence[Line], comparison: str, option: str, steps: str = "") -> list[float]:
    """Return each seed's change of the cost in per cent, at the end or after so many steps, where all came so far."""
    pairs = zip(*(_costs(cells, comparison, name, steps) for name in (option, REFERENCES[comparison])), strict=False)
    return [100 * (own - reference) for own, reference in pairs]


def _verdict(changes: Sequence[float], references: Sequence[float]) -> str:
    """Return what may be claimed: one sign on all seeds, and a mean of twice the spread of the reference's costs."""
    spread = 100 * stdev(references)
    signs = {change > 0 for change in changes}
    if len(signs) > 1 or abs(mean(changes)) <= TIMES_SPREAD * spread:
        return "not shown"
    return "worse" if mean(changes) > 0 else "better"


def _comparison(name: str, chosen: Sequence[str], cells: Sequence[Line], lines: Sequence[Line]) -> Table:
    times = {line["decoder"]: line["ratio"] for line in lines if line.get("of") == name}
    rows = []
    for option in chosen or _options(name):
        own = _of(cells, name, option)
        steps, weights = mean(line["steps"] for line in own), own[0]["parameters"] / 1e6
        row = [option, f"{times[option]:.2f}", f"{weights:.2f}", f"{steps:.0f}"]
        rows.append([*row, *(_shown(cells, name, option, at) for at in ("", MILESTONE))])
    return Table(["option", "decoding", "weights, M", "steps", "equal time", f"after {MILESTONE} steps"], rows)


def _shown(cells: Sequence[Line], comparison: str, option: str, steps: str) -> str:
    """Return the changes of all seeds, their mean, and what may be claimed."""
    reference = REFERENCES[comparison]
    changes = _changes(cells, comparison, option, steps)
    if option == reference or not changes:
        return NOTHING
    verdict = _verdict(changes, _costs(cells, comparison, reference, steps))
    return f"{percent(mean(changes), 1)} ({_each(changes, 1)}): {verdict}"


def _latents(cells: Sequence[Line], table: str, columns: dict[str, int]) -> Table:
    """Return means over seeds of what is measured of latents, with so many digits, and the range of the first."""
    comparison, chosen = TABLES[table]
    rows = []
    for option in chosen:
        found = [line["latents"] for line in _of(cells, comparison, option)]
        values = [[each[MEASURES[column]] for each in found] for column in columns]
        row = [f"{mean(value):.{digits}f}" for value, digits in zip(values, columns.values(), strict=True)]
        spread = max(values[0]) - min(values[0])
        rows.append([option, *(text.replace("-", "−") for text in row), f"{spread:.4f}"])
    return Table([table.removesuffix("s"), *columns, f"{next(iter(columns))}, range over seeds"], rows)


def _phases(cells: Sequence[Line]) -> Table:
    """Return what stages of parts change after everything was trained."""
    rows = []
    for option in ("leaky", "mixed"):
        found = _of(cells, TRANSFORMS, option)
        costs = [line["cost"] for line in found]
        for number, phase in enumerate(found[0]["then"]):
            after = [line["then"][number]["cost"] for line in found]
            changes = [100 * (new - old) for new, old in zip(after, costs, strict=True)]
            costs = [min(pair) for pair in zip(after, costs, strict=True)]
            kept = sum(change < 0 for change in changes)
            rows.append([option, phase["part"], percent(mean(changes), 2), _each(changes, 2), str(kept)])
    return Table(["hyper-latents", "stage", "change", "by seed", "kept"], rows, words=True)


def _denoised(cells: Sequence[Line]) -> Table:
    """Return what denoisers bring, in dB at the same bits, by quality."""
    rows = []
    for comparison in (TRANSFORMS, "high rates"):
        cell = next(cell for cell in CELLS if (cell.comparison, cell.option) == (comparison, "invertible"))
        found = _of(cells, comparison, "invertible")
        for at, quality in enumerate(cell.qualities):
            gains = [line["then"][0]["psnr"][at] - line["psnr"][at] for line in found]
            shown = f"{mean(gains):+.2f} dB".replace("-", "−")
            rows.append([str(cell.design.latents), f"{100 * quality:.0f}", shown, _each(gains, 2)])
    return Table(["latents", "quality", "denoiser", "by seed"], rows)


def _each(values: Sequence[float], digits: int) -> str:
    return ", ".join(f"{value:+.{digits}f}" for value in values).replace("-", "−")


def _high(cells: Sequence[Line]) -> Table:
    rows = []
    for option in _options("high rates"):
        found = _of(cells, "high rates", option)
        points = [
            f"{mean(line['bpp'][at] for line in found):.2f} bpp, {mean(line['psnr'][at] for line in found):.2f} dB"
            for at in range(3)
        ]
        rows.append([option, *points])
    return Table(["transform", "quality 50", "quality 75", "quality 100"], rows, words=True)
