"""What each quantizer gains on sources whose theory is known: `python experiments/sources.py`.

Writes experiments/results/sources.json: the granular gain on a uniform source at high rate, and for Gaussian and
Laplacian sources the rate and distortion of rdoq, tcq4 and tcq8 over steps and strengths, each with tables and
reconstruction points refitted until they settle, by the codec's own kernels, tables and rate estimates.
"""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from trellic.codec.fit_tables import Census
from trellic.codec.quantization import Quantization
from trellic.entropy.machine import walk
from trellic.entropy.parameters import ONE, Parameters, rows_of
from trellic.entropy.rans import estimate_bits
from trellic.entropy.tables import ROWS
from trellic.evaluate.bdrate import pchip
from trellic.files import write_atomically
from trellic.quantize import dequantize, quantizer_named

RESULTS = Path(__file__).parent / "results" / "sources.json"
SAMPLES = 1 << 18
THREADS = 2
ROUNDS = 4
STEPS = np.geomspace(0.28, 6.0, 33)
STRENGTHS = {
    "rdoq": (0.06, 0.08, 0.095, 0.11, 0.125, 0.14, 0.16),
    "tcq4": (0.02, 0.035, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2),
    "tcq8": (0.02, 0.035, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2),
}
RATES = (0.3, 0.5, 1.0, 2.0, 3.0)
EXPECTED = {
    "gaussian": {"tcq8": (0.13, 0.25, 0.67, 1.00, 1.03), "tcq4": (0.08, 0.16, 0.49, 0.91, 0.94)},
    "laplacian": {"tcq8": (0.08, 0.14, 0.31, 0.69, 0.92), "tcq4": (0.05, 0.09, 0.22, 0.55, 0.82)},
}
"""dB over rdoq at RATES, as the project's method foretells."""


def code_once(quantization: Quantization, line: np.ndarray, parameters: Parameters, census: Census | None) -> Any:
    """Return (bits a sample, mean squared error in steps²) of one pass over a source."""
    quantizer, setting = quantization.quantizer, quantization.at(0)
    indices = quantizer.quantize(line, parameters, np.ones_like(line), setting, 0)
    table_rows, _ = walk(quantizer.machine, parameters.rows, indices, 0)
    if census:
        census.latents(table_rows, indices, line, parameters)
    decoded = dequantize(indices, table_rows, parameters.means, setting.points, setting.step)
    return estimate_bits(table_rows, indices, setting.tables) / len(line), float(np.square(decoded - line).mean())


def granular_gain(name: str) -> float:
    """Return the gain in dB over a scalar quantizer of the same rate on a uniform source, rate not being searched."""
    line = np.random.default_rng(0).uniform(-300, 300, 4 * SAMPLES).astype(np.float32)
    parameters = Parameters(np.full(len(line), ROWS - 1, np.uint8), np.zeros(len(line), np.int32))
    _, error = code_once(Quantization.plain(quantizer_named(name), ONE, 0.0), line, parameters, None)
    return 10 * math.log10(1 / 12 / error)


def operating_point(name: str, source: np.ndarray, task: tuple[float, float]) -> tuple[float, float]:
    """Return (bits a sample, dB) of a (strength, step), once tables and points have settled."""
    strength, step = task
    line = (source / step).astype(np.float32)
    row = rows_of(np.array([math.log(1 / step)], np.float32))[0]
    parameters = Parameters(np.full(len(line), max(row, 3), np.uint8), np.zeros(len(line), np.int32))
    quantization = Quantization.plain(quantizer_named(name), ONE, strength)
    for _ in range(ROUNDS):
        census = Census(quantization)
        code_once(quantization, line, parameters, census)
        quantization = replace(census.refit(), points=census.points(), side_tables=quantization.side_tables)
    bits, error = code_once(quantization, line, parameters, None)
    return bits, -10 * math.log10(error * step**2)


def best_at(points: dict[float, list[tuple[float, float]]], rate: float) -> float:
    """Return the best dB at a rate over strengths, each a curve over steps."""
    found = []
    for curve in points.values():
        bits, decibels = (np.array(side) for side in zip(*sorted(set(curve)), strict=True))
        if bits[0] <= rate <= bits[-1]:
            found.append(float(pchip(bits, decibels, np.array([rate]))[0]))
    return max(found)


def main() -> None:
    random = np.random.default_rng(1)
    sources = {"gaussian": random.normal(size=SAMPLES), "laplacian": random.laplace(scale=math.sqrt(0.5), size=SAMPLES)}
    curves: dict[str, Any] = {}
    gains: dict[str, Any] = {}
    decibels: dict[str, Any] = {}
    for source, samples in sources.items():
        curves[source] = {}
        for name, strengths in STRENGTHS.items():
            tasks = list(product(strengths, STEPS))
            with ThreadPoolExecutor(THREADS) as pool:
                found = pool.map(partial(operating_point, name, samples), tasks)
            curves[source][name] = {strength: [] for strength in strengths}
            for (strength, _), point in zip(tasks, found, strict=True):
                curves[source][name][strength].append(point)
            print(source, name, flush=True)
        best = {name: [best_at(points, rate) for rate in RATES] for name, points in curves[source].items()}
        decibels[source] = best
        gains[source] = {
            name: [ours - theirs for ours, theirs in zip(best[name], best["rdoq"], strict=True)]
            for name in ("tcq4", "tcq8")
        }
    result = {
        "command": "python experiments/sources.py",
        "samples": SAMPLES,
        "granular_gain_db": {name: granular_gain(name) for name in ("tcq4", "tcq8")},
        "rates": RATES,
        "gain_over_rdoq_db": gains,
        "decibels": decibels,
        "expected_db": EXPECTED,
        "curves": curves,
    }
    write_atomically(RESULTS, lambda file: file.write(json.dumps(result, indent=1).encode()))
    print(json.dumps({key: result[key] for key in ("granular_gain_db", "gain_over_rdoq_db")}, indent=1))


if __name__ == "__main__":
    main()
