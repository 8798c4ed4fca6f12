"""Dependence on quality: gains of each latent channel, and features scaled and shifted.

One model thus serves all rates, the quantizer's step staying 1. Gains are learned for the encoder and apart from it for
the decoder (after Cui et al., gained variational autoencoders, 2021). The start is high-rate theory: for cost
R + λ·255²·MSE over three colour channels the best step of an orthonormal transform is sqrt(18 / (λ ln 2)) 8-bit units.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.metrics import HIGHEST_LAMBDA, LOWEST_LAMBDA
from trellic.networks.blocks import full_precision


def lambda_of(quality: Tensor) -> Tensor:
    """Return λ, in bits per pixel for one 8-bit unit of mean squared error, for quality in [0, 1]."""
    return LOWEST_LAMBDA * (HIGHEST_LAMBDA / LOWEST_LAMBDA) ** quality


class Gain(nn.Module):
    """Factors of channels by quality: natural logs at evenly spaced qualities, linear in between."""

    knots: Tensor

    def __init__(self, channels: int, knots: int, sign: float) -> None:
        """Begin with high-rate theory's slope of the logs, times the sign: 1 for the encoder, -1 for the decoder."""
        super().__init__()
        at = torch.linspace(0, 1, knots)
        slope = sign * 0.5 * math.log(HIGHEST_LAMBDA / LOWEST_LAMBDA)
        self.logs = nn.Parameter((slope * at).view(1, -1, 1, 1).repeat(channels, 1, 1, 1))
        self.register_buffer("knots", at.view(1, -1, 1, 1))

    def forward(self, quality: Tensor) -> Tensor:
        """Return the factor of each channel, (N, channels, 1, 1), for quality (N, 1, 1, 1) in [0, 1]."""
        distance = (quality - self.knots).abs() * (self.knots.shape[1] - 1)
        with full_precision(distance):
            return torch.exp(F.conv2d(F.relu(1 - distance), self.logs))

    @torch.no_grad()
    def move_to(self, deviations: Tensor, sign: float) -> None:
        """Start from theory, given each channel's standard deviation in orthonormal 8-bit units."""
        step = math.sqrt(18 / (LOWEST_LAMBDA * math.log(2)))
        self.logs.add_(sign * torch.log(deviations / step)[:, None, None, None])


class Condition(nn.Module):
    """Features scaled and shifted, channel by channel, by polynomials of the quality; the identity at the start."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale, self.scale_square, self.shift, self.shift_linear, self.shift_square = (
            nn.Parameter(torch.zeros(1, channels, 1, 1)) for _ in range(5)
        )

    def forward(self, features: Tensor, quality: Tensor) -> Tensor:
        """Return features (N, channels, H, W) at quality (N, 1, 1, 1) in [0, 1]."""
        centred = quality - 0.5
        square = centred * centred
        factor = torch.exp(self.scale * centred + self.scale_square * square)
        return features * factor + (self.shift + self.shift_linear * centred + self.shift_square * square)
