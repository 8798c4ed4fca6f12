"""Context at several scales: what a group is predicted from, summed up at 1/32 and 1/64 and brought back to 1/16.

Features and earlier groups are gathered 2×2 at a time by strided convolutions, spread again by shuffles, and added to
what was gathered from; nothing at the start. All of it can be made exact.
Source: after Li et al., context modeling with multi-scale guiding (2023).
"""

import torch
from torch import Tensor, nn

from trellic.networks.blocks import Plus, activation, pointwise
from trellic.networks.options import Guide


class Guided(nn.Module):
    """Features (N, C, h, w), sides multiples of 4 → the same, with what their surroundings say."""

    def __init__(self, channels: int, option: Guide) -> None:
        super().__init__()
        width = option.width
        self.at_16 = nn.Sequential(pointwise(channels, width), activation())
        self.at_32 = nn.Sequential(nn.Conv2d(width, width, 2, stride=2), activation())
        self.at_64 = nn.Sequential(nn.Conv2d(width, width, 2, stride=2), activation())
        self.back = nn.ModuleList(
            nn.Sequential(pointwise(inputs, 4 * width), nn.PixelShuffle(2), activation())
            for inputs in (width, 2 * width)
        )
        self.last = pointwise(2 * width, channels)
        for weight in self.last.parameters():
            nn.init.zeros_(weight)
        self.sum = Plus(channels)

    def forward(self, features: Tensor) -> Tensor:
        fine = self.at_16(features)
        middle = self.at_32(fine)
        gathered = torch.cat([middle, self.back[0](self.at_64(middle))], dim=1)
        gathered = torch.cat([fine, self.back[1](gathered)], dim=1)
        found: Tensor = self.sum(features, self.last(gathered))
        return found
