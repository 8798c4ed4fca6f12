"""Hyper-latents of two kinds: local ones by convolutions, and distant ones by attention on the grid of 1/64.

Attention is the encoder's alone. z stays one tensor, which the hyper-synthesis fuses by its first 1×1 convolution.
Source: after Fu and Du, image compression based on multiple prior information (2023).
"""

import torch
from torch import Tensor, nn

from trellic.networks.blocks import block, full_precision, pointwise
from trellic.networks.near import near_block
from trellic.networks.options import Mixed, Near

BLOCKS = 2


class MixedLast(nn.Module):
    """Features (N, width, h, w) → z (N, z, h/2, w/2), its last channels the distant ones."""

    def __init__(self, width: int, z: int, option: Mixed) -> None:
        super().__init__()
        self.local = nn.Conv2d(width, z - option.distant, 2, stride=2) if option.distant < z else None
        layers: list[nn.Module] = [nn.Conv2d(width, width, 2, stride=2)]
        for _ in range(BLOCKS):
            layers += [near_block(width, Near(option.inner, option.heads)), block("inverted", width, 2 * width)]
        self.distant = nn.Sequential(*layers)
        self.last = pointwise(width, option.distant)

    @torch.no_grad()
    def begin_as(self, weight: Tensor, bias: Tensor) -> None:
        """Compute what one 2×2 convolution did, for `distant` ≤ width; the blocks in between are to be silent."""
        state, distant = self.state_dict(), self.last.out_channels
        for name, old in (("weight", weight), ("bias", bias)):
            if self.local:
                state[f"local.{name}"].copy_(old[:-distant])
            state[f"distant.0.{name}"][:distant] = old[-distant:]
        state["last.weight"].copy_(torch.eye(distant, self.last.in_channels, device=weight.device)[:, :, None, None])
        state["last.bias"].zero_()

    def forward(self, features: Tensor) -> Tensor:
        distant = self.distant(features)
        with full_precision(features):
            found = [] if self.local is None else [self.local(features.float())]
            return torch.cat([*found, self.last(distant.float())], dim=1)
