"""Activations of residual blocks, by the option of a design.

`Leaky`   LeakyReLU
`Shrink`  values within a threshold θ become zero. Soft: x - clamp(x, -θ, θ). Hard: x · [|x| > θ], where θ has no
          gradient: that of a sigmoid of width θ/2 stands for it (Kirmemis and Tekalp, 2020)
`Gdn`     xᵢ / √(βᵢ + Σⱼ γᵢⱼ xⱼ²), multiplied instead of divided in a synthesis (Ballé et al., 2016)
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.options import Activation, Gdn, Leaky, Shrink

SLOPE = 0.1
"""Of LeakyReLU below zero."""
FASTER = 10.0
"""Thresholds are kept as a tenth, so that Adam, whose steps are of one size, moves them ten times as fast."""
LEAST_WIDTH = 0.01
LEAST_BETA = 1e-6
STARTING_GAMMA, SILENT_ROOT = 0.1, 1e-3


class Shrinkage(nn.Module):
    """A threshold θ ≥ 0 for each channel."""

    def __init__(self, channels: int, start: float) -> None:
        super().__init__()
        self.tenth = nn.Parameter(torch.full((1, channels, 1, 1), start / FASTER))

    def threshold(self) -> Tensor:
        """Return θ, (1, C, 1, 1)."""
        return (self.tenth * FASTER).abs()


class SoftShrink(Shrinkage):
    """x - clamp(x, -θ, θ)."""

    def forward(self, features: Tensor) -> Tensor:
        threshold = self.threshold()
        return features - torch.maximum(torch.minimum(features, threshold), -threshold)


class HardShrink(Shrinkage):
    """x · [|x| > θ]."""

    def forward(self, features: Tensor) -> Tensor:
        threshold = self.threshold()
        kept = features * (features.abs() - threshold).sign().relu()
        if not self.training:
            return kept
        width = (threshold.detach() / 2).clamp_min(LEAST_WIDTH)
        slope = features.detach() * torch.sigmoid((features.detach().abs() - threshold) / width)
        return kept + (slope - slope.detach())


class Normalization(nn.Module):
    """Divisive normalization, or its inverse; β and γ are kept as roots, so that they are never negative."""

    def __init__(self, channels: int, inverse: bool) -> None:
        super().__init__()
        self.inverse = inverse
        roots = torch.full((channels, channels), SILENT_ROOT).fill_diagonal_(STARTING_GAMMA**0.5)
        self.weight = nn.Parameter(roots[:, :, None, None])
        self.bias = nn.Parameter(torch.ones(channels))

    def forward(self, features: Tensor) -> Tensor:
        energy = F.conv2d(features * features, self.weight * self.weight, self.bias * self.bias + LEAST_BETA)
        return features * energy.sqrt() if self.inverse else features / energy.sqrt()


def activation_of(option: Activation, channels: int, inverse: bool = False) -> nn.Module:
    """Return the activation of so many channels; `inverse` in a synthesis."""
    match option:
        case Leaky():
            return nn.LeakyReLU(SLOPE)
        case Shrink(soft=True):
            return SoftShrink(channels, option.start)
        case Shrink():
            return HardShrink(channels, option.start)
        case Gdn():
            return Normalization(channels, inverse)
