"""Tables of designs beside their references: each seed's change of cost, and whether it may be claimed."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

from experiments.designs.cells import CELLS, FEWER, MINUTES, STARTS
from experiments.store import NO_MODEL, lines_of
from trellic.evaluate.report.tables import NOTHING, Table, percent

Line = dict[str, Any]
REFERENCES = {cell.comparison: cell.reference for cell in CELLS}
MILESTONE = "500"
TIMES_SPREAD = 2
"""A mean change counts where it is so many times the reference's own standard deviation over seeds."""


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
        "start": f"{STARTS['small']:g}",
        "seeds": str(len({line["seed"] for line in cells})),
        "blocks": Table(
            ["block", "time", "ms"],
            [[one["block"], f"{one['ratio']:.2f}", f"{one['milliseconds']:.2f}"] for one in blocks],
        ).markdown(),
        "latents": _latents(cells).markdown(),
        "high": _high(cells).markdown(),
        **_gains(cells, blocks),
        **{f"of_{name.replace(' ', '_')}": _comparison(name, cells, lines).markdown() for name in REFERENCES},
        "spread": percent(100 * stdev(_costs(cells, "activations", "leaky")), 2),
    }


def _gains(cells: Sequence[Line], blocks: Sequence[Line]) -> dict[str, str]:
    """Return the numbers that the page's text has."""
    found = {name: [line["psnr"][-1] for line in _of(cells, "high rates", name)] for name in _options("high rates")}
    decibels = mean(found["invertible"]) - mean(found["autoencoder"])
    times = {line["block"]: f"{line['ratio']:.2f}" for line in blocks}
    return {
        "decibels": f"{decibels:+.2f} dB".replace("-", "−"),
        "near_time": times["near"],
        "attend_time": times["attend"],
        **{name: percent(mean(_changes(cells, "priors", name)), 1) for name in ("guide", "mixed")},
        "soft": percent(mean(_changes(cells, "activations", "soft")), 1),
        "invertible": percent(mean(_changes(cells, "high rates", "invertible")), 1),
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


def _comparison(name: str, cells: Sequence[Line], lines: Sequence[Line]) -> Table:
    times = {line["decoder"]: line["ratio"] for line in lines if line.get("of") == name}
    rows = []
    for option in _options(name):
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
    each = ", ".join(percent(change, 1).removesuffix(" %") for change in changes)
    verdict = _verdict(changes, _costs(cells, comparison, reference, steps))
    return f"{percent(mean(changes), 1)} ({each}): {verdict}"


def _latents(cells: Sequence[Line]) -> Table:
    rows = []
    for option in _options("activations"):
        found = [line["latents"] for line in _of(cells, "activations", option)]
        distances, likelihoods = ([each[key] for each in found] for key in ("distance", "likelihood"))
        rows.append(
            [
                option,
                *(f"{mean(values):.4f}".replace("-", "−") for values in (distances, likelihoods)),
                f"{max(distances) - min(distances):.4f}",
            ]
        )
    return Table(["activation", "distance", "log-likelihood, nats", "distance, range over seeds"], rows)


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
