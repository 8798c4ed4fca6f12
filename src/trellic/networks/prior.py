"""The prior: side information z, then ordered steps that predict every latent from what is already decoded.

Steps are channel groups, each in two checkerboard halves (after He et al., ELIC, 2022). Every step returns a mean
and a log scale for each latent of its group; only the half being coded uses them.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trellic.networks.blocks import activation, depthwise, full_precision, pointwise
from trellic.networks.design import Design
from trellic.networks.layers import layers_of

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
        width, make = design.features, layers_of(design.exact)
        self.enter = make.entry(design.hyper, whole=True)
        bends = [make.activation(width) for _ in range(5)]
        smooth = make.depthwise(width, bends[2], onto=make.grid(width))
        self.layers = nn.Sequential(
            make.pointwise(design.hyper, 4 * width, self.enter, onto=bends[0]), nn.PixelShuffle(2), bends[0],
            make.depthwise(width, bends[0], onto=bends[1]), bends[1],
            make.pointwise(width, 4 * width, bends[1], onto=bends[2]), nn.PixelShuffle(2), bends[2],
            smooth,
        )  # fmt: skip
        self.by_quality = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.quality_grid = make.entry(width)
        self.middle, self.last = bends[3:]
        self.sum = make.sum(smooth, self.quality_grid, onto=self.middle)
        self.leave = make.pointwise(width, width, self.middle, onto=self.last)

    def forward(self, side: Tensor, quality: Tensor) -> Tensor:
        features = self.sum(self.layers(self.enter(side)), self.quality_grid(self.by_quality * quality))
        left: Tensor = self.last(self.leave(self.middle(features)))
        return left


class Step(nn.Module):
    """One channel group: features and earlier groups → parameters of its first half, then of its second."""

    def __init__(self, design: Design, before: int, channels: int, features: nn.Module) -> None:
        """Build the step of a group of so many channels, `before` in earlier ones; `features` made the features."""
        super().__init__()
        width, make = design.features, layers_of(design.exact)
        self.context = design.context
        reads = before if design.context else 0
        self.earlier, self.anchors = make.entry(before), make.entry(channels)
        bends = [make.activation(width) for _ in range(4)]
        smooth = make.depthwise(width, bends[0], onto=make.grid(width))
        self.join = nn.Sequential(
            make.pointwise(width + reads, width, features, *([self.earlier] if reads else []), onto=bends[0]), bends[0],
            smooth, make.pointwise(width, width, smooth, onto=bends[1]), bends[1],
        )  # fmt: skip
        self.first_head = make.pointwise(width, 2 * channels, bends[1])
        if design.context:
            mix = make.pointwise(channels, width, self.anchors, onto=make.grid(width))
            around = make.depthwise(width, mix, onto=make.grid(width))
            self.neighbours = nn.Sequential(mix, around)
            self.sum = make.sum(bends[1], around, onto=bends[2])
            self.second = nn.Sequential(bends[2], make.pointwise(width, width, bends[2], onto=bends[3]), bends[3])
            self.second_head = make.pointwise(width, 2 * channels, bends[3])

    def forward_first(self, features: Tensor, earlier: Tensor) -> tuple[Tensor, Parameters]:
        """Return the group's own features, which the second half reuses, and the first half's parameters."""
        if self.context:
            features = torch.cat([features, self.earlier(earlier * CONTEXT_GAIN)], dim=1)
        features = self.join(features)
        return features, head_parameters(self.first_head, features)

    def forward_second(self, features: Tensor, anchors: Tensor) -> Parameters:
        """Return the second half's parameters from the group's first half (zero elsewhere), (N, C, H, W)."""
        joined = self.second(self.sum(features, self.neighbours(self.anchors(anchors * CONTEXT_GAIN))))
        return head_parameters(self.second_head, joined)


class Prior(nn.Module):
    """Hyperprior and steps; `side_log_scale` models z, affine in quality, one value a channel."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.hyper_analysis = HyperAnalysis(design)
        self.hyper_synthesis = HyperSynthesis(design)
        self.side_log_scale = nn.Parameter(torch.zeros(2, design.hyper))
        starts = [sum(design.groups[:index]) for index in range(len(design.groups))]
        self.steps = nn.ModuleList(
            Step(design, start, size, self.hyper_synthesis.last)
            for start, size in zip(starts, design.groups, strict=True)
        )

    def side_scales(self, quality: Tensor) -> Tensor:
        """Return the log scale of z at each quality, (N, hyper, 1, 1)."""
        base, slope = self.side_log_scale[:, None, :, None, None]
        return base + slope * quality
