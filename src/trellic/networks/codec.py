"""The whole model as one torch module: what training runs and what export takes apart."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.design import Design
from trellic.networks.gains import Gains
from trellic.networks.prior import Parameters, Prior, Step, first_half
from trellic.networks.transforms import Analysis, Synthesis

SMALLEST_LOG_SCALE = math.log(0.11)
LARGEST_LOG_SCALE = math.log(256.0)


class Coded(NamedTuple):
    """What a forward pass returns: pictures (N, 3, H, W), and bits of y and z, each (N,)."""

    pictures: Tensor
    latent_bits: Tensor
    side_bits: Tensor


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


class TrainableCodec(nn.Module):
    """Analysis, gains, prior and synthesis; `forward` is the differentiable stand-in for coding."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
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

    def forward(self, pictures: Tensor, quality: Tensor) -> Coded:
        """Code pictures (N, 3, H, W) at quality (N, 1, 1, 1); noise stands for rounding in the rate while training."""
        latents = self.analysis(pictures) * self.gains.gain(quality)
        side = self.prior.hyper_analysis(latents)
        side_noisy = side + torch.rand_like(side) - 0.5 if self.training else side.round()
        side_bits = interval_bits(side_noisy, self.prior.side_scales(quality))
        features = self.prior.hyper_synthesis(quantize_through(side), quality)
        parameters, decoded = self.parameters_of(latents, features)
        residuals = latents - parameters.mean
        noisy = residuals + torch.rand_like(residuals) - 0.5 if self.training else residuals.round()
        bits = interval_bits(noisy, parameters.log_scale)
        rebuilt = self.synthesis(decoded * self.gains.inverse(quality), quality)
        return Coded(rebuilt, bits.sum(dim=(1, 2, 3)), side_bits.sum(dim=(1, 2, 3)))


def distortion(rebuilt: Tensor, pictures: Tensor) -> Tensor:
    """Return the mean squared error of each picture in 8-bit units, (N,)."""
    return F.mse_loss(rebuilt, pictures, reduction="none").mean(dim=(1, 2, 3)) * 255.0**2
