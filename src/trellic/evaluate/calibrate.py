"""The best step and rate weight of a quantizer at each quality: measured on held-out pictures over a grid.

Every setting is tried with tables refitted to it, on the same pictures: a setting that is poor with the tables of
another may be best with its own. The reference is the uniform quantizer, refitted as well.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Analysed, code
from trellic.codec.fit_tables import Census
from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.entropy.parameters import ONE
from trellic.evaluate.bdrate import curve, pchip
from trellic.metrics import psnr
from trellic.model.networks import Networks
from trellic.picture.types import Picture

REFERENCE_QUALITIES = (0, 15, 30, 45, 60, 75, 90, 100)
OPERATING_QUALITIES = (15, 40, 65, 90)
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
"""(step in 1/1024, rate weight) to try; in theory, for a step of 1024 and squared errors alone, it is 0.1155."""


@dataclass(frozen=True)
class Bench:
    """Held-out pictures, analysed once, and the model's networks."""

    networks: Networks
    pictures: Sequence[tuple[Picture, Analysed]]

    def measure(self, deployed: DeployedQuantizer, qualities: Sequence[int]) -> list[Point]:
        """Return (bits a pixel as the tables promise, PSNR in dB), means over pictures, at each quality 0 to 100."""
        census = Census(deployed)
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
    bench: Bench, reference: Sequence[Point], deployed: DeployedQuantizer, report: Callable[[str], None]
) -> tuple[list[tuple[float, int, float]], dict[str, list[float]]]:
    """Return operating points, and the rate of every setting against the reference at each of its qualities.

    Rates are natural logs of the bits' ratio at equal PSNR, by setting "step rate_weight".
    """
    psnrs, rates = curve(list(reference))
    gaps: dict[Setting, list[float]] = {}
    grid = GRIDS[deployed.quantizer.name]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(
            lambda setting: bench.measure(deployed.with_operating_point(*setting), OPERATING_QUALITIES), grid
        )
    for setting, points in zip(grid, found, strict=True):
        wanted = pchip(psnrs, rates, np.array([quality for _, quality in points]))
        gaps[setting] = [float(np.log(rate) - log_rate) for (rate, _), log_rate in zip(points, wanted, strict=True)]
        shown = "  ".join(f"{100 * (np.exp(gap) - 1):+6.2f} %" for gap in gaps[setting])
        report(f"{deployed.quantizer.name}: step {setting[0] / ONE:.3f}, rate_weight {setting[1]:<6g} {shown}")
    return choose_operating_points(gaps), {f"{step} {rate_weight:g}": gap for (step, rate_weight), gap in gaps.items()}


def choose_operating_points(gaps: dict[Setting, list[float]]) -> list[tuple[float, int, float]]:
    """Return the setting for each knot's quality: of those that are about as good as the best, one of the finest step.

    A finer step takes the same quality to a higher rate and PSNR, and thereby widens the range that a model covers.
    """
    operating_points = []
    for number, quality in enumerate(OPERATING_QUALITIES):
        found = {setting: gap[number] for setting, gap in gaps.items()}
        good = [setting for setting in found if found[setting] <= min(found.values()) + AS_GOOD]
        step, rate_weight = min(good, key=lambda setting: (setting[0], found[setting]))
        operating_points.append((quality * QUALITY_ONE / HIGHEST_QUALITY, step, rate_weight))
    return operating_points
