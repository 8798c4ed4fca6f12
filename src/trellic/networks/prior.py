"""The prior: side information z, then ordered steps that predict every latent from what is already decoded.

Steps are channel groups, each in two checkerboard halves (after He et al., ELIC, 2022). Every step returns a mean
and a log scale for each latent of its group; only the half being coded uses them.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.blocks import activation, depthwise, full_precision, pointwise
from trellic.networks.design import Design

CONTEXT_GAIN = 0.25
"""Latents are of the order of a few quantizer steps; networks prefer units."""


class Parameters(NamedTuple):
    """Mean and natural logarithm of the scale of each latent, both (N, C, H, W) in quantizer steps."""

    mean: Tensor
    log_scale: Tensor


def head_parameters(head: nn.Module, features: Tensor) -> Parameters:
    """Read the two halves of a head's output channels as mean and log scale."""
    with full_precision():
        mean, log_scale = head(features.float()).chunk(2, dim=1)
    return Parameters(mean / CONTEXT_GAIN, log_scale)


def first_half(latents: Tensor) -> Tensor:
    """Return the mask of the positions that are coded first, float (1, 1, H, W): row + column is even."""
    rows, columns = (torch.arange(size, device=latents.device) for size in latents.shape[-2:])
    return ((rows[:, None] + columns) % 2 == 0).float()[None, None]


class HyperAnalysis(nn.Module):
    """Gained latents y (N, latents, H/16, W/16) → side information (N, hyper, H/64, W/64). Encoder only."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        width = design.features
        self.enter = pointwise(design.latents, width)
        self.layers = nn.Sequential(
            activation(), depthwise(width), pointwise(width, width), activation(),
            nn.PixelUnshuffle(2), pointwise(4 * width, width), activation(), depthwise(width), activation(),
            nn.PixelUnshuffle(2), pointwise(4 * width, design.hyper),
        )  # fmt: skip

    def forward(self, latents: Tensor) -> Tensor:
        compressed = latents.sign() * torch.log1p(latents.abs())
        features = self.layers[:-1](self.enter(compressed))
        with full_precision():
            side: Tensor = self.layers[-1](features.float())
        return side


class HyperSynthesis(nn.Module):
    """Side information (N, hyper, H/64, W/64), quality (N, 1, 1, 1) → features (N, features, H/16, W/16)."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        width = design.features
        self.layers = nn.Sequential(
            pointwise(design.hyper, 4 * width), nn.PixelShuffle(2), activation(), depthwise(width), activation(),
            pointwise(width, 4 * width), nn.PixelShuffle(2), activation(), depthwise(width),
        )  # fmt: skip
        self.by_quality = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.leave = pointwise(width, width)

    def forward(self, side: Tensor, quality: Tensor) -> Tensor:
        features = self.layers(side) + self.by_quality * quality
        return F.leaky_relu(self.leave(F.leaky_relu(features, 0.1)), 0.1)


class Step(nn.Module):
    """One channel group: features and earlier groups → parameters of its first half, then of its second."""

    def __init__(self, design: Design, before: int, channels: int) -> None:
        super().__init__()
        width = design.features
        self.context = design.context
        self.join = nn.Sequential(
            pointwise(width + (before if design.context else 0), width), activation(),
            depthwise(width), pointwise(width, width), activation(),
        )  # fmt: skip
        self.first_head = pointwise(width, 2 * channels)
        if design.context:
            self.neighbours = nn.Sequential(pointwise(channels, width), depthwise(width))
            self.second = nn.Sequential(activation(), pointwise(width, width), activation())
            self.second_head = pointwise(width, 2 * channels)

    def forward_first(self, features: Tensor, earlier: Tensor) -> tuple[Tensor, Parameters]:
        """Return the group's own features, which the second half reuses, and the first half's parameters."""
        if self.context:
            features = torch.cat([features, earlier * CONTEXT_GAIN], dim=1)
        features = self.join(features)
        return features, head_parameters(self.first_head, features)

    def forward_second(self, features: Tensor, anchors: Tensor) -> Parameters:
        """Return the second half's parameters from the group's first half (zero elsewhere), (N, C, H, W)."""
        joined = self.second(features + self.neighbours(anchors * CONTEXT_GAIN))
        return head_parameters(self.second_head, joined)


class Prior(nn.Module):
    """Hyperprior and steps; `side_log_scale` models z, affine in quality, one value a channel."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.hyper_analysis = HyperAnalysis(design)
        self.hyper_synthesis = HyperSynthesis(design)
        self.side_log_scale = nn.Parameter(torch.zeros(2, design.hyper))
        starts = [sum(design.groups[:index]) for index in range(len(design.groups))]
        self.steps = nn.ModuleList(Step(design, start, size) for start, size in zip(starts, design.groups, strict=True))

    def side_scales(self, quality: Tensor) -> Tensor:
        """Return the log scale of z at each quality, (N, hyper, 1, 1)."""
        base, slope = self.side_log_scale[:, None, :, None, None]
        return base + slope * quality
