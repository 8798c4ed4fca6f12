"""The whole model as one torch module: what training runs and what export takes apart."""

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from trellic.codec.positions import ALL, ANCHORS, NON_ANCHORS
from trellic.networks.design import Design
from trellic.networks.gains import Gains
from trellic.networks.prior import Parameters, Prior, Step, first_half
from trellic.networks.retrainable import CodedLatents, Retrainable, Search
from trellic.networks.transforms import Analysis, Synthesis

SMALLEST_LOG_SCALE = math.log(0.11)
LARGEST_LOG_SCALE = math.log(256.0)


def quantize_through(values: Tensor, mean: Tensor | float = 0.0) -> Tensor:
    """Return mean + round(values - mean), with the gradient of the identity for `values`."""
    residuals = values - mean
    return values + (residuals.round() - residuals).detach()


def interval_bits(residuals: Tensor, log_scale: Tensor) -> Tensor:
    """Return bits of the unit interval around each residual under a zero-mean Gaussian, element by element."""
    inverse = torch.exp(-log_scale.clamp(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)) * math.sqrt(0.5)
    distance = residuals.abs()
    upper = torch.erfc((distance - 0.5) * inverse)
    lower = torch.erfc((distance + 0.5) * inverse)
    return -torch.log2((0.5 * (upper - lower)).clamp_min(1e-7))


def level_bits(residuals: Tensor, indices: Tensor, sets: Tensor, steps: Tensor, log_scale: Tensor) -> Tensor:
    """Return bits of the interval around each index's level under a zero-mean Gaussian, element by element.

    residuals  decoded latents less their means: where the gradient goes. An interval moves along with its residual
    indices, sets, steps  integers of a real quantizer, its sets of levels (0 or 1), and its step in latent units

    The intervals are those of `trellic.entropy.tables.gaussian_tables`.
    """
    magnitude = indices.abs()
    far = torch.where(sets > 0, magnitude, magnitude + 0.5)
    near = torch.where(sets > 0, torch.where(magnitude == 1, 0.25, magnitude - 1.0), magnitude - 0.5)
    zero = 0.5 - 0.25 * sets
    near, far = (torch.where(magnitude == 0, edge, other) for edge, other in ((-zero, near), (zero, far)))
    sign = torch.where(indices < 0, -1.0, 1.0)
    moved = sign * (residuals - residuals.detach())
    inverse = torch.exp(-log_scale.clamp(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)) * math.sqrt(0.5)
    chance = torch.erfc((near * steps + moved) * inverse) - torch.erfc((far * steps + moved) * inverse)
    return -torch.log2((0.5 * chance).clamp_min(1e-7))


class TrainableCodec(Retrainable):
    """Analysis, gains, prior and synthesis."""

    parts: ClassVar[dict[str, tuple[str, ...]]] = {
        "analysis": ("analysis", "gains.up", "prior.hyper_analysis", "prior.side_log_scale"),
        "entropy": ("prior.hyper_synthesis", "prior.steps"),
        "synthesis": ("synthesis", "gains.down"),
    }

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        self.groups = design.groups
        self.analysis = Analysis(design)
        self.gains = Gains(design.latents)
        self.prior = Prior(design)
        self.synthesis = Synthesis(design)

    def parameters_of(self, latents: Tensor, features: Tensor) -> tuple[Parameters, Tensor]:
        """Return the prior's parameters for all latents, and the rounded latents, each step seeing those before."""
        mask = first_half(latents)
        means: list[Tensor] = []
        scales: list[Tensor] = []
        decoded: list[Tensor] = []
        for step, group in zip(self.prior.steps, latents.split(self.design.groups, dim=1), strict=True):
            earlier = torch.cat([features[:, :0], *decoded], dim=1)
            assert isinstance(step, Step)
            own, (mean, log_scale) = step.forward_first(features, earlier)
            if self.design.context:
                anchors = quantize_through(group, mean) * mask
                second = step.forward_second(own, anchors)
                mean = mean * mask + second.mean * (1 - mask)
                log_scale = log_scale * mask + second.log_scale * (1 - mask)
            means.append(mean)
            scales.append(log_scale)
            decoded.append(quantize_through(group, mean))
        return Parameters(torch.cat(means, 1), torch.cat(scales, 1)), torch.cat(decoded, 1)

    def search_latents(self, latents: Tensor, features: Tensor, search: Search) -> tuple[Tensor, Tensor]:
        """Return latents as a real quantizer has them decoded, and their bits, (N,)."""
        bits = latents.new_zeros(len(latents))
        decoded: list[Tensor] = []
        for number, group in enumerate(latents.split(self.design.groups, dim=1)):
            step = self.prior.steps[number]
            assert isinstance(step, Step)
            own, parameters = step.forward_first(features, torch.cat([features[:, :0], *decoded], dim=1))
            chosen, cost = search(number, ANCHORS if self.design.context else ALL, group, parameters)
            if self.design.context:
                rest, more = search(number, NON_ANCHORS, group, step.forward_second(own, chosen))
                chosen, cost = chosen + rest, cost + more
            bits = bits + cost.sum(dim=(1, 2, 3))
            decoded.append(chosen)
        return torch.cat(decoded, 1), bits

    def code_latents(self, latents: Tensor, quality: Tensor, search: Search | None = None) -> CodedLatents:
        """Code gained latents; noise stands for rounding in the rate while training, but where there is a search."""
        side = self.prior.hyper_analysis(latents)
        side_noisy = side + torch.rand_like(side) - 0.5 if self.training else side.round()
        side_bits = interval_bits(side_noisy, self.prior.side_scales(quality)).sum(dim=(1, 2, 3))
        features = self.prior.hyper_synthesis(quantize_through(side), quality)
        if search:
            return CodedLatents(*self.search_latents(latents, features, search), side_bits)
        parameters, decoded = self.parameters_of(latents, features)
        residuals = latents - parameters.mean
        noisy = residuals + torch.rand_like(residuals) - 0.5 if self.training else residuals.round()
        return CodedLatents(decoded, interval_bits(noisy, parameters.log_scale).sum(dim=(1, 2, 3)), side_bits)

    def analyse(self, pictures: Tensor, quality: Tensor) -> Tensor:
        """Return the latents of pictures (N, 3, H, W) in quantizer steps, (N, latents, H/16, W/16)."""
        latents: Tensor = self.analysis(pictures) * self.gains.gain(quality)
        return latents

    def rebuild(self, decoded: Tensor, quality: Tensor) -> Tensor:
        """Return the pictures of decoded latents, not clipped."""
        return self.synthesis(decoded * self.gains.inverse(quality), quality)


def distortion(rebuilt: Tensor, pictures: Tensor) -> Tensor:
    """Return the mean squared error of each picture in 8-bit units, (N,)."""
    return F.mse_loss(rebuilt, pictures, reduction="none").mean(dim=(1, 2, 3)) * 255.0**2
