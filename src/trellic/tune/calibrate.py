"""The best step and rate weight of a quantizer at each quality, measured on validation pictures.

A trial's rate is compared at equal PSNR with the quantizer's curve as it was: moving along it gains nothing.
Steps and rate weights lie on a grid without edges: the search goes to the best of a node's neighbours until none is
better, so that what is chosen has been compared with all that surrounds it. Every trial counts the bits of its indices
by tables fitted to them: parameters that are poor with the tables of others may be best with their own.
"""

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from trellic.codec.deployed import DeployedQuantizer
from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.entropy.parameters import ONE
from trellic.errors import BadRequest
from trellic.evaluate.bdrate import curve, pchip
from trellic.model import Model
from trellic.picture.types import Picture
from trellic.quantize import Quantizer, quantizer_named
from trellic.quantize.settings import OperatingPoint
from trellic.tune.sensitivity import measure_sensitivity
from trellic.tune.validation import Point, Validation

REFERENCE = "uniform"
"""What gains are reported against."""
CURVE_QUALITIES = (0, 15, 30, 45, 60, 75, 90, 100)
QUALITIES = (15, 40, 65, 90)
"""At which operating points are found; in between they are interpolated."""
COARSEST, FINEST = 1.5, 0.7
"""The steps at quality 0 and 100, beside the nearest that are found. They double the range of rates, and cost nothing:
low rates take fewer bits at equal PSNR by a coarser step than by a lower quality."""
STEP_RATIO, WEIGHT_RATIO = 1.12, 1.5
"""From a node of the grid to the next."""
COARSER, FINER = 1, -1
OUTWARD = (COARSER, FINER, FINER, FINER)
"""Which of equally good steps is taken at each quality: for a lower rate at the first, for a higher one elsewhere. So a
model covers a wide range, and two calibrations of it cover about the same one."""
WORTH_A_MOVE, AS_GOOD = 0.0005, 0.002
"""In natural logs of rates at equal PSNR: what the search follows, and below which parameters are as good."""

Report = Callable[[str], None]
Node = tuple[int, int]
"""Powers of the two ratios by which a step and a rate weight differ from those where the search begins."""
REACH = 12
"""How far an operating point may move its quality along the curve, in points: half the way to its neighbours'."""
_AROUND = tuple(product((-1, 0, 1), repeat=2))


class Curve:
    """Rates of a quantizer over PSNR, measured at CURVE_QUALITIES."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.by_quality = [point.psnr for point in points]
        self.psnrs, self.log_rates = curve([(point.rate, point.psnr) for point in points])

    def is_near(self, point: Point, quality: int) -> bool:
        """Return whether a point's PSNR is the curve's at a quality, 0 to 100, give or take REACH."""
        low, high = np.interp([quality - REACH, quality + REACH], CURVE_QUALITIES, self.by_quality)
        return bool(low <= point.psnr <= high)

    def gap(self, point: Point) -> float | None:
        """Return the natural log of a rate against the curve's at equal PSNR; None beyond the curve's ends."""
        if not self.psnrs[0] <= point.psnr <= self.psnrs[-1]:
            return None
        return float(np.log(point.rate) - pchip(self.psnrs, self.log_rates, np.array([point.psnr]))[0])


class Calibrated(NamedTuple):
    """An operating point, and what was measured there."""

    point: OperatingPoint
    measured: Point


def calibrate(
    model: Model,
    pictures: Sequence[Picture],
    quantizers: Sequence[Quantizer],
    report: Report = lambda message: None,
    facts: dict[str, str] | None = None,
) -> Model:
    """Return a model with the operating points at which its quantizers take the fewest bits at equal PSNR.

    facts  of the calibration, for the card
    What an error in each channel of the latents costs the picture is measured first. Tables should be fitted after.
    Raises BadRequest, or NoPictures.
    """
    if fixed := [each.name for each in quantizers if each.name == REFERENCE]:
        raise BadRequest(f"{fixed[0]} is the reference: it has no operating points to find")
    model = measure_sensitivity(model, pictures, report)
    validation = Validation(model, pictures)
    reference = curve_of(validation, DeployedQuantizer.of(model, quantizer_named(REFERENCE)))
    for quantizer in quantizers:
        found = operating_points(validation, DeployedQuantizer.of(model, quantizer), report)
        gaps = [reference.gap(each.measured) for each in found]
        gain = 100 * (float(np.exp(np.mean([gap for gap in gaps if gap is not None] or [0.0]))) - 1)
        report(
            f"{quantizer.name}: {gain:+.2f} % of the bits of {REFERENCE} at equal PSNR, by tables fitted to each trial"
        )
        entry = {**(facts or {}), "pictures": len(pictures), f"log_rates_against_{REFERENCE}": gaps}
        points = with_ends([each.point for each in found])
        model = model.with_quantizer(quantizer.name, points, facts={"calibration": entry})
    return model


def curve_of(validation: Validation, deployed: DeployedQuantizer) -> Curve:
    """Return a quantizer's curve at its operating points."""
    return Curve([validation.measure(deployed, quality) for quality in CURVE_QUALITIES])


def operating_points(validation: Validation, deployed: DeployedQuantizer, report: Report) -> list[Calibrated]:
    """Return the best operating point at each quality.

    The search begins at the quantizer's own step and rate weight, whatever the model had: one curve, without bends.
    """
    quantizer = deployed.quantizer
    fitted = validation.fitted(deployed.with_parameters(quantizer.step, quantizer.rate_weight), QUALITIES)
    before = curve_of(validation, fitted)
    found = []
    for quality, outward in zip(QUALITIES, OUTWARD, strict=True):
        begin = OperatingPoint(quality * QUALITY_ONE / HIGHEST_QUALITY, quantizer.step, quantizer.rate_weight)
        trials: dict[Node, Point] = {}

        def gap_at(
            node: Node, begin: OperatingPoint = begin, quality: int = quality, trials: dict[Node, Point] = trials
        ) -> float:
            point = _at(node, begin)
            trials[node] = validation.measure(fitted.with_parameters(round(point.step), point.rate_weight), quality)
            gap = before.gap(trials[node]) if before.is_near(trials[node], quality) else None
            return math.inf if gap is None else gap

        gaps = descend(gap_at)
        best = widest(gap_at, gaps, outward)
        found.append(Calibrated(_at(best, begin), trials[best]))
        step, weight, gain = found[-1].point.step, found[-1].point.rate_weight, 100 * (np.exp(gaps[best]) - 1)
        report(
            f"{quantizer.name}, quality {quality}: step {step / ONE:.2f}, rate weight {weight:.4g}, "
            f"{gain:+.2f} % after {len(gaps)} trials"
        )
    return found


def with_ends(found: Sequence[OperatingPoint]) -> tuple[OperatingPoint, ...]:
    """Return operating points with those of quality 0 and 100 at their ends."""
    first, last = found[0], found[-1]
    return (
        first._replace(quality=0.0, step=round(COARSEST * first.step)),
        *found,
        last._replace(quality=1.0, step=round(FINEST * last.step)),
    )


def _at(node: Node, begin: OperatingPoint) -> OperatingPoint:
    step, weight = begin.step * STEP_RATIO ** node[0], begin.rate_weight * WEIGHT_RATIO ** node[1]
    return OperatingPoint(begin.quality, round(step), float(f"{weight:.4g}"))


def descend(cost: Callable[[Node], float]) -> dict[Node, float]:
    """Return the cost of every node tried, among them the one where the search ended and all that surround it."""
    at, tried = (0, 0), {(0, 0): cost((0, 0))}
    while True:
        for change in _AROUND:
            node = (at[0] + change[0], at[1] + change[1])
            if node not in tried:
                tried[node] = cost(node)
        best = min(tried, key=lambda node: tried[node])
        if tried[best] > tried[at] - WORTH_A_MOVE:
            return tried
        at = best


def widest(cost: Callable[[Node], float], tried: dict[Node, float], outward: int) -> Node:
    """Return the node to deploy: of those that are as good as the best, the one whose step is farthest outward.

    outward  COARSER or FINER; nodes are tried that way, and added to `tried`, until they are worse
    """
    most = min(tried.values()) + AS_GOOD
    while True:
        good = [node for node in tried if tried[node] <= most]
        at = max(good, key=lambda node: (outward * node[0], -tried[node]))
        beyond = [(at[0] + outward, at[1] + weight) for weight in (-1, 0, 1)]
        if all(node in tried for node in beyond):
            return at
        tried.update({node: cost(node) for node in beyond if node not in tried})
