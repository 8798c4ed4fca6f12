"""What each quantizer gains on sources whose theory is known.

The granular gain on a uniform source at high rate, and for Gaussian and Laplacian sources the rate and distortion of
rdoq, tcq4 and tcq8 over steps and rate weights, each with tables and reconstruction offsets refitted until they settle,
by the codec's own kernels, tables and rate estimates. No model takes part.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from experiments.store import NO_MODEL, keep
from trellic.codec.coding import Pass
from trellic.codec.deployed import DeployedQuantizer
from trellic.entropy.bits import estimate_bits
from trellic.entropy.parameters import ONE, Parameters, scale_index_of, scale_offset
from trellic.entropy.states import walk
from trellic.entropy.tables import SCALES
from trellic.evaluate.bdrate import pchip
from trellic.jobs.local import complain
from trellic.model.schedule import Code
from trellic.quantize import dequantize, quantizer_named
from trellic.tune.statistics import IndexStatistics

SAMPLES = 1 << 18
THREADS = 2
ROUNDS = 4
STEPS = np.geomspace(0.28, 6.0, 33)
RATE_WEIGHTS = {
    "rdoq": (0.06, 0.08, 0.095, 0.11, 0.125, 0.14, 0.16),
    "tcq4": (0.02, 0.035, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2),
    "tcq8": (0.02, 0.035, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2),
}
SOURCE = Code("y", 0, 1, ((1,),), "", "")
"""A pass over all samples of a source."""
RATES = (0.3, 0.5, 1.0, 2.0, 3.0)
Curve = list[tuple[float, float]]


def code_once(
    deployed: DeployedQuantizer, values: np.ndarray, parameters: Parameters, statistics: IndexStatistics | None = None
) -> tuple[float, float]:
    """Return (bits a sample, mean squared error in steps²) of one pass over a source."""
    quantizer, settings = deployed.quantizer, deployed.at(0)
    indices = quantizer.quantize(values, parameters, np.ones_like(values), settings, 0)
    cdf_indices, _ = walk(quantizer.states, parameters.scale_indices, indices, 0)
    if statistics:
        at = Pass(SOURCE, np.arange(len(values), dtype=np.int32), parameters, 0)
        statistics.put(at, indices, cdf_indices, values, settings.step)
    decoded = dequantize(indices, cdf_indices, parameters.means, settings.offsets, settings.step)
    bits = estimate_bits(cdf_indices, indices, settings.tables)
    return bits / len(values), float(np.square(decoded - values).mean())


def granular_gain(name: str) -> float:
    """Return the gain in dB over a scalar quantizer of the same rate on a uniform source, rate not being searched."""
    values = np.random.default_rng(0).uniform(-300, 300, 4 * SAMPLES).astype(np.float32)
    parameters = Parameters(np.full(len(values), SCALES - 1, np.uint8), np.zeros(len(values), np.int32))
    _, error = code_once(DeployedQuantizer.plain(quantizer_named(name), ONE, 0.0), values, parameters)
    return 10 * math.log10(1 / 12 / error)


def operating_point(name: str, source: np.ndarray, task: tuple[float, float]) -> tuple[float, float]:
    """Return (bits a sample, dB) of a (rate weight, step), once tables and offsets have settled."""
    rate_weight, step = task
    values = (source / step).astype(np.float32)
    scale_index = scale_index_of(np.float32(math.log(1 / step)), scale_offset(ONE))
    parameters = Parameters(np.full(len(values), max(scale_index, 3), np.uint8), np.zeros(len(values), np.int32))
    deployed = DeployedQuantizer.plain(quantizer_named(name), ONE, rate_weight)
    for _ in range(ROUNDS):
        statistics = IndexStatistics(deployed)
        code_once(deployed, values, parameters, statistics)
        deployed = replace(statistics.fitted(), offsets=statistics.offsets())
    bits, error = code_once(deployed, values, parameters)
    return bits, -10 * math.log10(error * step**2)


def best_at(curves: dict[float, Curve], rate: float) -> float:
    """Return the best dB at a rate over rate weights, each a curve over steps."""
    found = []
    for curve in curves.values():
        bits, decibels = (np.array(part) for part in zip(*sorted(set(curve)), strict=True))
        if bits[0] <= rate <= bits[-1]:
            found.append(float(pchip(bits, decibels, np.array([rate]))[0]))
    return max(found)


def curves_of(name: str, samples: np.ndarray) -> dict[float, Curve]:
    """Return a quantizer's curve over steps at each of its rate weights."""
    tasks = list(product(RATE_WEIGHTS[name], STEPS))
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(partial(operating_point, name, samples), tasks)
    curves: dict[float, Curve] = {rate_weight: [] for rate_weight in RATE_WEIGHTS[name]}
    for (rate_weight, _), point in zip(tasks, found, strict=True):
        curves[rate_weight].append(point)
    return curves


def run(data: Path) -> None:
    """Measure all of it anew."""
    random = np.random.default_rng(1)
    sources = {"gaussian": random.normal(size=SAMPLES), "laplacian": random.laplace(scale=math.sqrt(0.5), size=SAMPLES)}
    lines: list[dict[str, Any]] = [
        {"source": "uniform", "quantizer": name, "granular_gain": granular_gain(name)} for name in ("tcq4", "tcq8")
    ]
    for source, samples in sources.items():
        for name in RATE_WEIGHTS:
            curves = curves_of(name, samples)
            best = [best_at(curves, rate) for rate in RATES]
            lines.append({"source": source, "quantizer": name, "rates": RATES, "decibels": best})
            complain(f"theory: {source} {name}")
    keep("theory", lines, NO_MODEL)
