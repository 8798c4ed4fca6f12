"""What each quantizer gains on sources whose theory is known: `python experiments/sources.py`.

Writes experiments/results/sources.json: the granular gain on a uniform source at high rate, and for Gaussian and
Laplacian sources the rate and distortion of rdoq, tcq4 and tcq8 over steps and rate weights, each with tables and
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

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.fit_tables import Census
from trellic.entropy.parameters import ONE, Parameters, scale_indices_of
from trellic.entropy.rans import estimate_bits
from trellic.entropy.states import walk
from trellic.entropy.tables import SCALES
from trellic.evaluate.bdrate import pchip
from trellic.files import write_atomically
from trellic.quantize import dequantize, quantizer_named

RESULTS = Path(__file__).parent / "results" / "sources.json"
SAMPLES = 1 << 18
THREADS = 2
ROUNDS = 4
STEPS = np.geomspace(0.28, 6.0, 33)
RATE_WEIGHTS = {
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


def code_once(deployed: DeployedQuantizer, line: np.ndarray, parameters: Parameters, census: Census | None) -> Any:
    """Return (bits a sample, mean squared error in steps²) of one pass over a source."""
    quantizer, settings = deployed.quantizer, deployed.at(0)
    indices = quantizer.quantize(line, parameters, np.ones_like(line), settings, 0)
    cdf_indices, _ = walk(quantizer.states, parameters.scale_indices, indices, 0)
    if census:
        census.latents(cdf_indices, indices, line, parameters)
    decoded = dequantize(indices, cdf_indices, parameters.means, settings.offsets, settings.step)
    return estimate_bits(cdf_indices, indices, settings.tables) / len(line), float(np.square(decoded - line).mean())


def granular_gain(name: str) -> float:
    """Return the gain in dB over a scalar quantizer of the same rate on a uniform source, rate not being searched."""
    line = np.random.default_rng(0).uniform(-300, 300, 4 * SAMPLES).astype(np.float32)
    parameters = Parameters(np.full(len(line), SCALES - 1, np.uint8), np.zeros(len(line), np.int32))
    _, error = code_once(DeployedQuantizer.plain(quantizer_named(name), ONE, 0.0), line, parameters, None)
    return 10 * math.log10(1 / 12 / error)


def operating_point(name: str, source: np.ndarray, task: tuple[float, float]) -> tuple[float, float]:
    """Return (bits a sample, dB) of a (rate weight, step), once tables and offsets have settled."""
    rate_weight, step = task
    line = (source / step).astype(np.float32)
    scale_index = scale_indices_of(np.array([math.log(1 / step)], np.float32))[0]
    parameters = Parameters(np.full(len(line), max(scale_index, 3), np.uint8), np.zeros(len(line), np.int32))
    deployed = DeployedQuantizer.plain(quantizer_named(name), ONE, rate_weight)
    for _ in range(ROUNDS):
        census = Census(deployed)
        code_once(deployed, line, parameters, census)
        deployed = replace(census.refit(), offsets=census.offsets(), z_tables=deployed.z_tables)
    bits, error = code_once(deployed, line, parameters, None)
    return bits, -10 * math.log10(error * step**2)


def best_at(points: dict[float, list[tuple[float, float]]], rate: float) -> float:
    """Return the best dB at a rate over rate weights, each a curve over steps."""
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
        for name, rate_weights in RATE_WEIGHTS.items():
            tasks = list(product(rate_weights, STEPS))
            with ThreadPoolExecutor(THREADS) as pool:
                found = pool.map(partial(operating_point, name, samples), tasks)
            curves[source][name] = {rate_weight: [] for rate_weight in rate_weights}
            for (rate_weight, _), point in zip(tasks, found, strict=True):
                curves[source][name][rate_weight].append(point)
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
