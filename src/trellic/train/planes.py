"""Coarse planes of layers in training: digits as `codec/layers.py` codes them, by networks trained for these planes.

A batch stops at one plane. Those before it are coded, too: later digits count from their anchors, and are coded by the
probabilities of a cell's parts. The plane before the last is coded by the networks that the codec had, as it is
deployed; then only the synthesis learns by it.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.layer_targets import COARSE, DEAD_ZONE, LEAST_PLANES, QUALITY_OCTAVE, LayerTargets
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import LOWEST_LOG_SCALE, ONE, SCALES_PER_LOG, scale_offset
from trellic.entropy.tables import SKIPPED_SCALES
from trellic.model.schedule import Code
from trellic.networks.learned import LearnedCodec, positions_of
from trellic.networks.priors.base import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, Gaussian
from trellic.networks.surrogates import NoisyRounding
from trellic.train.crops import Crops
from trellic.train.latents import Batch, Latents

LAYERS = LayerTargets(count=10)
"""By halving, in as many planes as most streams have."""
LEAST_MASS = 1e-7


class Digits(NamedTuple):
    """What is known of a pass's latents, all (N, C, h, w): anchors, indices, and whether they have begun."""

    anchors: Tensor
    indices: Tensor
    begun: Tensor

    @classmethod
    def none(cls, latents: Tensor) -> "Digits":
        """Return that nothing is known of latents."""
        return cls(torch.zeros_like(latents), torch.zeros_like(latents), torch.zeros_like(latents, dtype=torch.bool))


class PlaneCoder:
    """A coder for one plane of a batch; `known` holds the digits of each pass so far, and gets new ones.

    steps    the finest, in the latents' unit, (N, 1, 1, 1)
    missing  how many digits the plane lacks
    """

    def __init__(self, steps: Tensor, missing: int, known: dict[Code, Digits]) -> None:
        self.known, self.first = known, missing == LEAST_PLANES - 1
        self.own, self.edge = steps * 2.0**missing, _edge(missing)
        self.coarser_edge = _edge(missing + 1)
        offsets = [float(scale_offset(round(float(step) * ONE))) for step in self.own.flatten()]
        self.offsets = torch.tensor(offsets, device=steps.device).view(-1, 1, 1, 1)
        self.rounding = NoisyRounding()

    def __call__(self, step: Code, target: Tensor, gaussian: Gaussian) -> tuple[Tensor, Tensor]:
        """Return decoded latents and what their new digits cost, (N, C, h, w), zero outside the pass's mask."""
        if step.is_rounded:
            decoded, bits = self.rounding(step, target, gaussian)
            return decoded, bits * self.first
        inside = positions_of(step.mask, target)
        mean, log_scale = gaussian.mean.float(), gaussian.log_scale.float().clamp(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)
        before = self.known.get(step) or Digits.none(target)
        with torch.no_grad():
            scale_indices = torch.floor(
                (log_scale - float(LOWEST_LOG_SCALE)) * float(SCALES_PER_LOG) - self.offsets + 0.5
            )
            may_differ = scale_indices >= SKIPPED_SCALES
            begins = may_differ & ~before.begun
            refined = before.begun & (may_differ | (before.indices != 0))
            anchors = torch.where(begins, mean, before.anchors)
            residuals = (target - anchors) / self.own
            indices = residuals.sign() * (residuals.abs() - self.edge + 1).floor().clamp_min(0)
            indices = torch.where(refined, _child(indices, before.indices), indices * begins)
            now = self.known[step] = Digits(anchors, indices, before.begun | begins)
            levels = anchors + indices.sign() * (indices.abs() + self.edge - 0.5) * self.own * (indices != 0)
        part = _mass(_cell(indices, self.own, self.edge, anchors), mean, log_scale)
        whole = _mass(_cell(before.indices, 2 * self.own, self.coarser_edge, anchors), mean, log_scale)
        whole = torch.where(begins, 1.0, torch.maximum(whole, part))
        bits = (whole.log2() - part.log2()) * (begins | refined)
        return torch.where(now.begun, levels, mean) * inside, bits * inside


def _edge(missing: int) -> float:
    """Return where the cell of index 0 ends, in steps of a plane that lacks so many digits."""
    return 1 - (0.5 - DEAD_ZONE / ONE) / 2**missing


def _child(indices: Tensor, parents: Tensor) -> Tensor:
    """Return the children of indices that are nearest to other indices."""
    largest = torch.where(parents > 0, 2 * parents + 1, torch.where(parents < 0, 2 * parents, 1.0))
    least = torch.where(parents > 0, 2 * parents, torch.where(parents < 0, 2 * parents - 1, -1.0))
    return torch.minimum(torch.maximum(indices, least), largest)


def _cell(indices: Tensor, step: Tensor, edge: float, anchors: Tensor) -> tuple[Tensor, Tensor]:
    """Return where cells begin and end."""
    far = (indices.abs() + edge) * step
    near = torch.where(indices == 0, -far, far - step)
    side = torch.where(indices < 0, -1.0, 1.0)
    return anchors + torch.minimum(side * near, side * far), anchors + torch.maximum(side * near, side * far)


def _mass(cell: tuple[Tensor, Tensor], mean: Tensor, log_scale: Tensor) -> Tensor:
    """Return how probable a cell is."""
    inverse = torch.exp(-log_scale) * math.sqrt(0.5)
    low, high = ((end - mean) * inverse for end in cell)
    turned = low + high < 0  # differences of small numbers are precise
    low, high = torch.where(turned, -high, low), torch.where(turned, -low, high)
    return (0.5 * (torch.erfc(low) - torch.erfc(high))).clamp_min(LEAST_MASS)


class PlaneLatents(Latents):
    """Latents of new crops up to a random coarse plane; the codec's analysis has no gradient.

    codec  with an adapter of coarse planes; `plain` is the same without
    """

    def __init__(self, codec: LearnedCodec, plain: LearnedCodec, deployed: DeployedQuantizer, crops: Crops) -> None:
        self.codec, self.plain, self.deployed, self.crops = codec, plain, deployed, crops

    def draw(self, count: int, device: torch.device) -> Batch:
        """Return a new batch; what is wanted of it is the quality of such a prefix."""
        pictures, wanted = self.crops.draw(count, device)
        asked = [round(float(each) * HIGHEST_QUALITY) for each in wanted.flatten()]
        lower = torch.tensor([LAYERS.quality_of_networks(each) for each in asked], device=device)
        quality = (lower / HIGHEST_QUALITY).view(-1, 1, 1, 1)
        steps = torch.tensor([LAYERS.layering_at(each, self.deployed).step / ONE for each in asked], device=device)
        last = int(self.crops.beside.integers(1, LEAST_PLANES))
        known: dict[Code, Digits] = {}
        with torch.no_grad():
            targets = self.plain.encode(pictures, quality)
        for missing in range(LEAST_PLANES - 1, last - 1, -1):
            codec = self.codec if missing >= COARSE else self.plain
            with torch.set_grad_enabled(missing == last and missing >= COARSE):
                decoded = codec.code(targets, quality, PlaneCoder(steps.view(-1, 1, 1, 1), missing, known))
        return Batch(pictures, quality, decoded, targets, wanted - QUALITY_OCTAVE / 100 * last)
