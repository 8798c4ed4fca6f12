"""Latents → digits, sweep by sweep: each latent's index is chosen finely, and its digits follow.

Digits are chosen by their bits, too. Before the last digit bits count little, and no digit away from zero is chosen for
them: what a coarser plane drops, no finer one can bring back.
"""

from dataclasses import dataclass

import numpy as np

from trellic.codec.analysis import Analysed
from trellic.codec.coding import Arrays, Coding, Pass, scalar
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import quantize_pass
from trellic.codec.layers import Digits, LayerCoding, Nested, kernel_plane, planes_of
from trellic.codec.positions import Floats
from trellic.container.header import HIGHEST_QUALITY
from trellic.container.layers import Layering
from trellic.entropy.bits import index_bits
from trellic.entropy.choices import ChoiceEncoder, Choices
from trellic.entropy.parameters import ONE
from trellic.entropy.states import CdfIndices, Indices, States
from trellic.entropy.tables import ESCAPE_LIMIT, TOTAL
from trellic.kernels import kernel
from trellic.model import Sessions
from trellic.model.schedule import Code
from trellic.quantize import QuantizerParameters, quantizer_named
from trellic.quantize.nested import COST_BITS, costs, first_child, middle

COARSE = 0.1
"""The rate weight of digits that others follow, beside the last one's. Chosen on validation pictures."""


@dataclass(frozen=True)
class CodedSweeps:
    """A tile's sweeps, not yet joined to layers."""

    sweeps: list[ChoiceEncoder]

    @property
    def bits(self) -> list[float]:
        """Of each sweep."""
        return [sweep.bits for sweep in self.sweeps]

    def join(self, joined: tuple[int, ...]) -> list[bytes]:
        """Return the coded data of layers that hold so many sweeps each."""
        sweeps = iter(self.sweeps)
        payloads = []
        for count in joined:
            layer = ChoiceEncoder()
            for _ in range(count):
                layer.extend(next(sweeps))
            payloads.append(layer.finish())
        return payloads


@kernel
def _begin(targets, weights, anchors, positions, scale_indices, plane, rate_weight, tables, fine, found):  # type: ignore[no-untyped-def]
    _, power, centre, dead_zone, step, _ = plane
    radius, start, bits = tables
    for n in range(len(positions)):
        at = positions[n]
        residual = (np.float64(targets[at]) * ONE - anchors[at]) / step
        size = int(min(np.floor(max(abs(residual) + 0.5 - dead_zone / ONE, 0.0)), float(ESCAPE_LIMIT)))
        followed = (size + centre) // power
        best, least = 0, np.inf
        for less in (0, 1, followed):
            index = followed - less
            if index >= 0:
                error = abs(residual) - middle(index, 0, power, centre, dead_zone, step) / (ONE * step)
                cost = weights[at] * (error / power) ** 2
                cost += rate_weight * index_bits(index, scale_indices[n], radius, start, bits)
                if cost < least:
                    best, least = int(index), cost
        sign = -1 if residual < 0 else 1
        fine[at], found[n] = sign * size, sign * best


@kernel
def _refine(targets, weights, anchors, indices, positions, boundaries, plane, rate_weight, costs, fine, found):  # type: ignore[no-untyped-def]
    radix, power, centre, dead_zone, step, _ = plane
    for n in range(len(positions)):
        at = positions[n]
        lowest = first_child(np.int64(indices[at]), radix)
        children = 2 if boundaries[n, 1] == TOTAL else 3
        size = (abs(np.int64(fine[at])) + centre) // power
        followed = min(max((-size if fine[at] < 0 else size), lowest), lowest + children - 1)
        least, before = np.inf, 0
        for child in range(children):
            index = lowest + child
            end = int(boundaries[n, child]) if child < 2 else TOTAL
            level = middle(index, np.int64(anchors[at]), power, centre, dead_zone, step) / (ONE * ONE)
            error = (targets[at] - level) * ONE / (step * power)
            cost = weights[at] * error**2 + rate_weight * costs[end - before] / (1 << COST_BITS)
            if cost < least and (power == 1 or index == followed or abs(index) < abs(followed)):
                found[n], least = child, cost
            before = end


class _Coder:
    """Chooses the digits of a pass and collects them."""

    def __init__(self, analysed: Analysed, rate_weight: float) -> None:
        self.analysed, self.rate_weight = analysed, rate_weight
        self.weights = analysed.error_weights
        self.fine = {name: np.zeros(planes.shape, np.int32) for name, planes in analysed.targets.items()}
        self.sweep = ChoiceEncoder()

    def __call__(self, step: Code, digits: Digits, latents: Nested) -> tuple[Indices, Choices, bool]:
        """Code one pass."""
        targets = self.analysed.targets[step.variable][step.channels].reshape(-1)
        weights = self.weights[step.channels].reshape(-1)
        fine = self.fine[step.variable][step.channels].reshape(-1)
        anchors, indices, plane = latents.anchors.reshape(-1), latents.indices.reshape(-1), kernel_plane(digits.plane)
        begun, choices = np.empty(len(digits.begun), np.int32), np.empty(len(digits.refined), np.uint8)
        tables = digits.tables
        rate_weight = self.rate_weight * (COARSE if digits.plane.missing else 1.0)
        _begin(
            targets, weights, anchors, digits.begun, digits.scale_indices, plane, rate_weight,
            (tables.radius, tables.start, tables.bits), fine, begun,
        )  # fmt: skip
        _refine(
            targets, weights, anchors, indices, digits.refined, digits.boundaries, plane, rate_weight, costs(), fine,
            choices,
        )  # fmt: skip
        self.sweep.push(digits.scale_indices, begun, tables)
        self.sweep.push_choices(digits.boundaries, choices)
        return begun, choices, True


def encode_sweeps(
    sessions: Sessions, coarse: Sessions, analysed: Analysed, deployed: DeployedQuantizer, layering: Layering
) -> tuple[CodedSweeps, dict[str, Floats]]:
    """Quantize and code the variables of a picture or tile, sweep by sweep; return them as decoded, too.

    coarse  networks of coarse planes
    Raises UnsupportedStream.
    """
    model, quality = sessions.model, analysed.quality / HIGHEST_QUALITY
    parameters, rounding = deployed.at(analysed.quality), quantizer_named("uniform")
    coder = _Coder(analysed, parameters.rate_weight)

    def code_rounded(at: Pass, states: States, parameters: QuantizerParameters) -> tuple[Indices, CdfIndices, int]:
        values = at.gather(analysed.targets[at.step.variable][at.step.channels])
        indices, cdf_indices, state = quantize_pass(rounding, parameters, at, values, np.ones(len(values), np.float32))
        coder.sweep.push(cdf_indices, indices, deployed.tables_of(at.step.tables))
        return indices, cdf_indices, state

    values = Arrays(quality=scalar(quality), **{name: np.zeros_like(one) for name, one in analysed.targets.items()})
    coding = Coding(model, deployed, parameters, quality, values, code_rounded)
    layers = LayerCoding(coding, planes_of(layering, parameters.step), coder)
    sweeps = []
    for sweep in layering.sweeps:
        coder.sweep = ChoiceEncoder()
        layers.walk(sweep, (coarse if layering.is_coarse(sweep) else sessions).run)
        sweeps.append(coder.sweep)
    return CodedSweeps(sweeps), layers.decoded
