"""Neighbourhood attention: each position attends to the 7×7 around it, of those that are in the picture.

It is written as 49 shifts, each a few operations on whole planes, so that it has any size and is made of what graphs
have. Scores are bounded, so that no maximum need be taken away.
Source: Hassani et al., Neighborhood Attention Transformer (2023).
"""

from collections.abc import Iterator
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.blocks import Residual, pointwise
from trellic.networks.options import Near

REACH = 3
"""Positions on each side."""
LARGEST_SCORE = 16.0
OFFSETS = tuple(product(range(-REACH, REACH + 1), repeat=2))


def around(planes: Tensor) -> Iterator[Tensor]:
    """Yield planes (N, C, H, W) as each position sees them at each of OFFSETS, zero outside the picture."""
    padded = F.pad(planes, [REACH] * 4)
    for down, across in OFFSETS:
        yield F.pad(padded, [-REACH - across, -REACH + across, -REACH - down, -REACH + down])


class Heads(nn.Module):
    """The weights of an attention: queries, keys and values of `inner` channels, and a bias of each head and offset."""

    heads: Tensor

    def __init__(self, width: int, inner: int, count: int) -> None:
        super().__init__()
        self.queries, self.keys, self.values = (pointwise(width, inner) for _ in range(3))
        self.bias = nn.Parameter(torch.zeros(len(OFFSETS), count, 1, 1))
        self.register_buffer("heads", torch.eye(count).repeat_interleave(inner // count, 1)[:, :, None, None])


class Attention(Heads):
    """Features (N, width, H, W) → what each position finds around it, (N, inner, H, W)."""

    def __init__(self, width: int, option: Near) -> None:
        super().__init__(width, option.inner, option.heads)
        self.scale = (option.inner // option.heads) ** -0.5

    def forward(self, features: Tensor) -> Tensor:
        queries, keys, values = self.queries(features) * self.scale, self.keys(features), self.values(features)
        inside, spread = F.conv2d(keys * 0, self.heads[:1]) + 1, self.heads.transpose(0, 1)
        total, found = torch.zeros_like(self.bias[0]), torch.zeros_like(self.bias[0, :1])
        for key, value, there, bias in zip(around(keys), around(values), around(inside), self.bias, strict=True):
            scores = F.conv2d(queries * key, self.heads) + bias
            weights = scores.clamp(-LARGEST_SCORE, LARGEST_SCORE).exp() * there
            total = weights + total
            found = F.conv2d(weights, spread) * value + found
        return found / F.conv2d(total, spread)


def near_block(width: int, option: Near) -> Residual:
    """Return a residual block of attention."""
    return Residual(Attention(width, option), pointwise(option.inner, width))
