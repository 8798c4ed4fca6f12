"""What blocks save, what they cost, and how quick a region is."""

from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.blocks.run import EVERY, HEIGHTS, QUALITIES, REGION, SIDE, TILE, WIDTH
from experiments.store import TEST, Line, lines_of
from trellic.evaluate.report.tables import NOTHING, Table, percent

RATES = (0.2, 0.5, 0.8)
"""Bits per pixel."""
MORE = 11
"""Bytes that a tile took more before the index of sections and small states of the range coder."""
Array = npt.NDArray[np.float64]


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("blocks")
    by_kind: dict[str, list[Line]] = {}
    for line in lines:
        by_kind.setdefault(line["kind"], []).append(line)
    groups = [(name, by_kind[name]) for name in TEST]
    return {
        **head,
        "side": str(SIDE),
        "every": {3: "third", 6: "sixth"}[EVERY],
        "more": str(MORE),
        "pictures": str(sum(len(found) for _, found in groups)),
        "saved": _saved(groups).markdown(),
        "overhead": _overhead(groups).markdown(),
        "seams": _seams(groups).markdown(),
        "strips": _strips(by_kind.get("strips", [])).markdown(),
        "trial": _trial(by_kind.get("trial", [])),
        "memory": _memory(by_kind.get("large", [])).markdown(),
        "regions": _regions(by_kind.get("large", [])).markdown(),
        "region": f"{REGION}×{REGION}",
        "tile": str(TILE),
    }


def _columns(line: Line, way: str) -> tuple[Array, Array, Array, Array]:
    """Return bytes, PSNR, bits of latents and steps at edges, at each quality."""
    size, error, bits, steps = np.array(line[way], float).T
    return size, error, bits, steps


def _beside(line: Line, way: str) -> Array:
    """Return the bytes of a tile beside its latents, at each quality."""
    size, _, bits, _ = _columns(line, way)
    return (size - bits / 8) / float(line["count"])


def saving(line: Line, other: str, more: float = 0.0) -> tuple[Array, Array]:
    """Return bits per pixel of blocks, and the per cent of bytes that they save over another way at equal PSNR.

    more  bytes that each tile of the other takes beside what it takes
    The other's bytes are carried to the PSNR of blocks along its own curve: they lie hundredths of a dB apart.
    """
    (size, error, *_), (others, its_error, *_) = _columns(line, "blocks"), _columns(line, other)
    logs = np.log(others + more * line["count"])
    reference = logs + np.gradient(logs, its_error) * (error - its_error)
    return 8 * size / line["pixels"], 100 * (1 - size / np.exp(reference))


def _at_rates(line: Line, other: str, more: float = 0.0) -> list[float]:
    """Return what is saved at RATES, not a number where a picture was not coded on both sides of one."""
    rates, saved = saving(line, other, more)
    return [float(np.interp(np.log(rate), np.log(rates), saved, np.nan, np.nan)) for rate in RATES]


def _saved(groups: list[tuple[str, list[Line]]]) -> Table:
    rows = []
    for name, lines in groups:
        ways = ((f"tiles of {SIDE}", "tiles", 0.0), (f"the same, {MORE} bytes larger each", "tiles", MORE),
                ("coded whole", "whole", 0.0))  # fmt: skip
        for title, other, more in ways:
            found = np.array([_at_rates(line, other, more) for line in lines])
            cells = []
            for column in found.T:
                there = column[np.isfinite(column)]
                cells.append(f"{percent(-there.mean())} ({len(there)})" if len(there) else NOTHING)
            rows.append([name, title, *cells])
    return Table(["set", "against", *(f"{rate} bpp" for rate in RATES)], rows)


def _overhead(groups: list[tuple[str, list[Line]]]) -> Table:
    rows = []
    for name, lines in groups:
        for way in ("tiles", "blocks"):
            each = [_beside(line, way) for line in lines]
            rows.append([name, way, f"{np.mean(each):.1f}", f"{np.max(each):.1f}"])
    return Table(["set", "", "bytes", "at most"], rows)


def _seams(groups: list[tuple[str, list[Line]]]) -> Table:
    rows = []
    for name, lines in groups:
        for way in ("tiles", "blocks"):
            ratios = np.array([_columns(line, way)[3] / _columns(line, "whole")[3] for line in lines])
            rows.append([name, way, *(f"{ratio:.3f}" for ratio in ratios.mean(axis=0))])
    return Table(["set", "", *(f"quality {quality}" for quality in QUALITIES)], rows)


def _strips(lines: list[Line]) -> Table:
    rows = [
        [str(line["quality"]), str(line["latents"]), percent(-line["strips"], 2), percent(-line["scales"], 2)]
        for line in lines
    ]
    return Table(["quality", "latents", "bits with profiles", "bits by scale alone"], rows)


def _trial(lines: list[Line]) -> str:
    """Return what training brought, in a sentence."""
    if not lines:
        return "The stage is not tried yet."
    line = lines[0]
    (logs, errors), (after, its_errors) = (np.array(line[name]).T for name in ("before", "after"))
    moved = 100 * (np.exp(after - logs - np.gradient(logs, errors) * (its_errors - errors)) - 1)
    found = ", ".join(
        f"{percent(value, 2)} at quality {quality}" for value, quality in zip(moved, line["qualities"], strict=True)
    )
    return f"After {line['steps']} steps in {line['minutes']:g} minutes, bytes at equal PSNR: {found}."


def _memory(lines: list[Line]) -> Table:
    found = {line["name"]: line for line in lines if "encode" in line}
    names = [f"{WIDTH}×{height}" for height in HEIGHTS]
    rows = [
        [name, *(f"{found[name][verb] / 1e6:.0f}" for verb in ("encode", "decode"))] for name in names if name in found
    ]
    return Table(["picture", "encode (MB)", "decode (MB)"], rows)


def _regions(lines: list[Line]) -> Table:
    rows: list[list[Any]] = [
        [line["name"], f"{line['stream_bytes'] / 1e6:.2f}", f"{line['reads']:.0f}", f"{line['bytes'] / 1e3:.0f}",
         f"{1000 * line['cpu_seconds']:.0f}"]
        for line in lines if "reads" in line
    ]  # fmt: skip
    return Table(["stream", "MB", "reads", "kB read", "processor's ms"], rows)
