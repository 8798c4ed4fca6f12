"""The best step and rate weight of a quantizer at each quality, measured on validation pictures.

Steps and rate weights lie on a grid without edges: the search goes to the best of a node's neighbours until none is
better, so that what is chosen has been compared with all that surrounds it. Every trial counts the bits of its indices
by tables fitted to them: parameters that are poor with the tables of others may be best with their own. The reference
is the curve of the uniform quantizer, fitted alike.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from trellic.codec.deployed import DeployedQuantizer
from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.errors import BadRequest
from trellic.evaluate.bdrate import curve, pchip
from trellic.model import Model
from trellic.picture.types import Picture
from trellic.quantize import Quantizer, quantizer_named
from trellic.quantize.settings import OperatingPoint
from trellic.tune.validation import Point, Validation

REFERENCE = "uniform"
REFERENCE_QUALITIES = (0, 15, 30, 45, 60, 75, 90, 100)
QUALITIES = (15, 40, 65, 90)
"""At which operating points are found; in between they are interpolated."""
STEP_RATIO, WEIGHT_RATIO = 1.12, 1.5
"""From a node of the grid to the next."""
AS_GOOD = 0.001
"""Parameters are as good where natural logs of their rates at equal PSNR differ by less."""

Report = Callable[[str], None]
Node = tuple[int, int]
"""Powers of the two ratios by which a step and a rate weight differ from those where the search begins."""
_AROUND = tuple(product((-1, 0, 1), repeat=2))


class Calibrated(NamedTuple):
    """An operating point, and the natural log of its rate against the reference's at equal PSNR."""

    point: OperatingPoint
    gap: float


def calibrate(
    model: Model,
    pictures: Sequence[Picture],
    quantizers: Sequence[Quantizer],
    report: Report = lambda message: None,
    facts: dict[str, str] | None = None,
) -> Model:
    """Return a model with the operating points at which its quantizers take the fewest bits at equal PSNR.

    facts  of the calibration, for the card
    Weights of latent channels should be measured before, tables fitted after. Raises BadRequest, or NoPictures.
    """
    if fixed := [each.name for each in quantizers if each.name == REFERENCE]:
        raise BadRequest(f"{fixed[0]} is the reference: it has no operating points to find")
    validation = Validation(model, pictures)
    uniform = validation.fitted(DeployedQuantizer.of(model, quantizer_named(REFERENCE)), QUALITIES)
    reference = [validation.measure(uniform, quality) for quality in REFERENCE_QUALITIES]
    for quantizer in quantizers:
        deployed = DeployedQuantizer.of(model, quantizer)
        found = operating_points(validation, reference, deployed, report)
        gaps = [each.gap for each in found]
        gain = 100 * (float(np.exp(np.mean(gaps))) - 1)
        report(f"{quantizer.name}: {gain:+.2f} % of the bits of {REFERENCE} at equal PSNR")
        entry = {**(facts or {}), "pictures": len(pictures), "log_rates": gaps}
        points = tuple(each.point for each in found)
        model = model.with_quantizer(quantizer.name, points, facts={"calibration": entry})
    return model


def operating_points(
    validation: Validation, reference: Sequence[Point], deployed: DeployedQuantizer, report: Report
) -> list[Calibrated]:
    """Return the best operating point at each quality; each search begins where the one before ended."""
    psnrs, log_rates = curve([(point.rate, point.psnr) for point in reference])
    fitted = validation.fitted(deployed, QUALITIES)
    found: list[Calibrated] = []
    for quality in QUALITIES:
        parameters = deployed.at(quality * QUALITY_ONE)
        begin = OperatingPoint(quality * QUALITY_ONE / HIGHEST_QUALITY, parameters.step, parameters.rate_weight)
        if found:
            begin = begin._replace(step=found[-1].point.step, rate_weight=found[-1].point.rate_weight)

        def gap_at(node: Node, begin: OperatingPoint = begin, quality: int = quality) -> float:
            point = _at(node, begin)
            trial = validation.measure(fitted.with_parameters(round(point.step), point.rate_weight), quality)
            return float(np.log(trial.rate) - pchip(psnrs, log_rates, np.array([trial.psnr]))[0])

        gaps = descend(gap_at)
        best = choose(gaps)
        found.append(Calibrated(_at(best, begin), gaps[best]))
        step, weight, gap = found[-1].point.step, found[-1].point.rate_weight, 100 * (np.exp(gaps[best]) - 1)
        report(
            f"{deployed.quantizer.name}, quality {quality}: step {step}, rate weight {weight:.4g}, "
            f"{gap:+.2f} % after {len(gaps)} trials"
        )
    return found


def _at(node: Node, begin: OperatingPoint) -> OperatingPoint:
    step, weight = begin.step * STEP_RATIO ** node[0], begin.rate_weight * WEIGHT_RATIO ** node[1]
    return OperatingPoint(begin.quality, round(step), float(f"{weight:.4g}"))


def descend(cost: Callable[[Node], float]) -> dict[Node, float]:
    """Return the cost of every node tried, among them the best one and all that surround it."""
    at, tried = (0, 0), {(0, 0): cost((0, 0))}
    while True:
        for change in _AROUND:
            node = (at[0] + change[0], at[1] + change[1])
            if node not in tried:
                tried[node] = cost(node)
        best = min(tried, key=lambda node: tried[node])
        if best == at:
            return tried
        at = best


def choose(gaps: dict[Node, float]) -> Node:
    """Return the node to deploy: of those that are as good as the best, one of the finest step.

    A finer step takes the same quality to a higher rate and PSNR, and thereby widens the range that a model covers.
    """
    good = [node for node in gaps if gaps[node] <= min(gaps.values()) + AS_GOOD]
    return min(good, key=lambda node: (node[0], gaps[node]))
