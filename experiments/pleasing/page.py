"""The tables of realism: distances of all photographs, distortion and energies set by set."""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from statistics import mean, median

from experiments.pleasing.run import GROUPS, PATCH, QUALITIES, REALISMS, SCREENS, SEEN
from experiments.store import Line, lines_of
from trellic.evaluate.report.tables import NOTHING, Table

KERNELS = {"lite2": "kernel distance, Lite2"}
"""The network of our own learned too little; its distances stand in the results file alone."""


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("pleasing")
    groups = [line for line in lines if line["set"] == "photographs"]
    pictures = [line for line in lines if line["set"] != "photographs"]
    return {
        **{key: head[key] for key in ("command", "commit", "machine", "model")},
        "patches": str(groups[0]["patches"]),
        "patch": str(PATCH),
        "quality": str(QUALITIES[0]),
        "distances": "\n\n".join(_titled(quality, _distances(groups, quality)) for quality in QUALITIES),
        "sets": "\n\n".join(_titled(quality, _sets(pictures, quality)) for quality in QUALITIES),
        "reached": "; ".join(_reached(groups, pictures, quality) for quality in QUALITIES),
    }


def _titled(quality: int, table: Table) -> str:
    return f"Quality {quality}:\n\n{table.markdown()}"


def _at(lines: Sequence[Line], quality: int, realism: float, name: str = "") -> list[Line]:
    return [
        line for line in lines if (line["quality"], line["realism"]) == (quality, realism) and name in ("", line["set"])
    ]


def ratio(pictures: Sequence[Line], quality: int, realism: float, name: str) -> float:
    """Return the mean over a set's pictures of the squared error over that of the faithful picture."""
    pairs = zip(_at(pictures, quality, realism, name), _at(pictures, quality, 0.0, name), strict=True)
    return mean(one["mse"] / faithful["mse"] for one, faithful in pairs if faithful["mse"])


def _distances(groups: Sequence[Line], quality: int) -> Table:
    rows = []
    for realism in REALISMS:
        (line,) = _at(groups, quality, realism)
        kernels = ["{1:.2f} ({0:.2f} to {2:.2f})".format(*line["kernel"][kind]) for kind in KERNELS]
        rows.append([f"{realism:g}", *kernels, f"{line['wasserstein']:.1f}"])
    return Table(["realism", *KERNELS.values(), "sliced Wasserstein"], rows)


def _sets(pictures: Sequence[Line], quality: int) -> Table:
    rows = []
    for name in GROUPS:
        for realism in REALISMS:
            found = _at(pictures, quality, realism, name)
            octaves = [median(line["octaves"][level] for line in found) for level in range(len(found[0]["octaves"]))]
            seen = f"{mean(line['ssimulacra2'] for line in found):.1f}" if realism in SEEN else NOTHING
            finite = [line["psnr"] for line in found if isfinite(line["psnr"])]
            figures = [f"{mean(finite):.2f}", f"{ratio(pictures, quality, realism, name):.2f}"]
            rows.append([f"{name}, {realism:g}", *figures, seen, *(f"{value:.2f}" for value in octaves)])
    return Table(["set, realism", "PSNR, dB", "ratio", "SSIMULACRA2", "finest", "2nd", "3rd", "4th"], rows)


def _reached(groups: Sequence[Line], pictures: Sequence[Line], quality: int) -> str:
    ratios = ", ".join(f"{ratio(pictures, quality, 1.0, name):.2f} on {name}" for name in GROUPS if name != SCREENS)
    parts = [f"at quality {quality} a ratio of {ratios}"]
    for kind, title in KERNELS.items():
        middles = [_at(groups, quality, realism)[0]["kernel"][kind][1] for realism in REALISMS]
        falls = all(after < before for before, after in pairwise(middles))
        change = f"{100 * (middles[-1] / middles[0] - 1):+.0f} %".replace("-", "−")
        parts.append(f"{change} of the {title}, falling {'at each step' if falls else 'not at each step'}")
    finest = median(line["octaves"][0] for line in _at(pictures, quality, 1.0) if line["set"] != SCREENS)
    return ", ".join([*parts, f"an energy of the finest octave of {finest:.2f}"])
