"""The best step and strength of a quantizer at each quality: measured on held-out pictures over a grid.

Every setting is tried with tables refitted to it, on the same pictures: a setting that is poor with the tables of
another may be best with its own. The reference is the uniform quantizer, refitted as well.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from trellic.codec.encoder import Analysed, code
from trellic.codec.fit_tables import Census
from trellic.codec.quantization import Quantization
from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.entropy.parameters import ONE
from trellic.evaluate.bdrate import curve, pchip
from trellic.metrics import psnr
from trellic.model.networks import Networks
from trellic.picture.types import Picture

REFERENCE_QUALITIES = (0, 15, 30, 45, 60, 75, 90, 100)
KNOT_QUALITIES = (15, 40, 65, 90)
AS_GOOD = 0.001
"""Settings are about as good where natural logs of their rates at equal PSNR differ by less."""

Setting = tuple[int, float]
Point = tuple[float, float]

_SCALAR = (880, 960, 1060, 1180, 1300)
_TRELLIS = tuple(product((ONE, 1150, 1300, 1500, 1700, 1900), (0.006, 0.012, 0.02, 0.03)))
GRIDS: dict[str, tuple[Setting, ...]] = {
    "deadzone": tuple(product(_SCALAR, (0.03, 0.06, 0.1))),
    "rdoq": tuple(product(_SCALAR, (0.01, 0.02, 0.03))),
    "tcq4": _TRELLIS,
    "tcq8": _TRELLIS,
}
"""(step in 1/1024, strength) to try; theory's strength, for a step of 1024 and squared errors alone, is 0.1155."""


@dataclass(frozen=True)
class Bench:
    """Held-out pictures, analysed once, and the model's networks."""

    networks: Networks
    pictures: Sequence[tuple[Picture, Analysed]]

    def measure(self, quantization: Quantization, qualities: Sequence[int]) -> list[Point]:
        """Return (bits a pixel as the tables promise, PSNR in dB), means over pictures, at each quality 0 to 100."""
        census = Census(quantization)
        for _, analysed in self.pictures:
            census.count(self.networks, analysed, [quality * QUALITY_ONE for quality in qualities])
        fitted = census.refit()
        points = []
        for quality in (quality * QUALITY_ONE for quality in qualities):
            rates, distortions = [], []
            for picture, analysed in self.pictures:
                coded = code(self.networks, analysed, quality, fitted)
                rates.append(coded.estimated_bits / (analysed.width * analysed.height))
                distortions.append(psnr(picture.pixels, coded.reconstruct(self.networks, quality, analysed)))
            points.append((float(np.mean(rates)), float(np.mean(distortions))))
        return points


def calibrate(
    bench: Bench, reference: Sequence[Point], quantization: Quantization, report: Callable[[str], None]
) -> tuple[list[tuple[float, int, float]], dict[str, list[float]]]:
    """Return knots, and the rate of every setting against the reference at each knot's quality.

    Rates are natural logs of the bits' ratio at equal PSNR, by setting "step strength".
    """
    psnrs, rates = curve(list(reference))
    gaps: dict[Setting, list[float]] = {}
    grid = GRIDS[quantization.quantizer.name]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda setting: bench.measure(quantization.with_setting(*setting), KNOT_QUALITIES), grid)
    for setting, points in zip(grid, found, strict=True):
        wanted = pchip(psnrs, rates, np.array([quality for _, quality in points]))
        gaps[setting] = [float(np.log(rate) - log_rate) for (rate, _), log_rate in zip(points, wanted, strict=True)]
        shown = "  ".join(f"{100 * (np.exp(gap) - 1):+6.2f} %" for gap in gaps[setting])
        report(f"{quantization.quantizer.name}: step {setting[0] / ONE:.3f}, strength {setting[1]:<6g} {shown}")
    return choose_knots(gaps), {f"{step} {strength:g}": gap for (step, strength), gap in gaps.items()}


def choose_knots(gaps: dict[Setting, list[float]]) -> list[tuple[float, int, float]]:
    """Return the setting for each knot's quality: of those that are about as good as the best, one of the finest step.

    A finer step takes the same quality to a higher rate and PSNR, and thereby widens the range that a model covers.
    """
    knots = []
    for number, quality in enumerate(KNOT_QUALITIES):
        found = {setting: gap[number] for setting, gap in gaps.items()}
        good = [setting for setting in found if found[setting] <= min(found.values()) + AS_GOOD]
        step, strength = min(good, key=lambda setting: (setting[0], found[setting]))
        knots.append((quality * QUALITY_ONE / HIGHEST_QUALITY, step, strength))
    return knots
