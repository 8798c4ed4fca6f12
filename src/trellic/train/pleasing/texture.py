"""How far textures are from each other: sliced Wasserstein distances within small windows.

Values along random directions of the channels are sorted window by window: what is compared is which values there are,
not where. Over a whole picture that would match histograms; within a window it matches texture.
Source: Rabin et al., Wasserstein barycenter and its application to texture mixing (2011).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from trellic.train.pleasing.features import Level

DIRECTIONS = 16
"""Of each layer, new ones at each step."""
WINDOW = 64
"""Side of a window in pixels, whatever the layer's stride."""
SAMPLES = 1 / 32
"""Deviation of detail, in a picture's own unit, by which it is divided to count as features do."""


def detail(pictures: Tensor) -> Tensor:
    """Return what a mean of 3×3 pixels takes away, (N, C, H, W), in units of SAMPLES."""
    return (pictures - F.avg_pool2d(F.pad(pictures, [1] * 4, mode="replicate"), 3, stride=1)) / SAMPLES


def sliced_wasserstein(one: Tensor, other: Tensor, side: int, directions: int = DIRECTIONS) -> Tensor:
    """Return the mean distance of values along random directions of the channels, within windows, (N,).

    one, other  (N, C, H, W), whose sides are multiples of `side`, that of a window
    """
    count, channels = one.shape[:2]
    random = torch.randn(directions, channels, 1, 1, device=one.device)
    random = random / random.square().sum(dim=1, keepdim=True).sqrt()
    values = _windows(F.conv2d(torch.cat([one, other]), random), side).sort(dim=-1).values
    return (values[:count] - values[count:]).abs().mean(dim=(1, 2))


def texture(pictures: Tensor, others: Tensor, levels: Sequence[Level], others_levels: Sequence[Level]) -> Tensor:
    """Return the distance of pictures' textures, in features and in detail, summed over layers, (N,)."""
    parts = [
        sliced_wasserstein(a.values, b.values, WINDOW // a.stride) for a, b in zip(levels, others_levels, strict=True)
    ]
    one, other = (detail(each.mean(dim=1, keepdim=True)) for each in (pictures, others))
    return torch.stack([*parts, sliced_wasserstein(one, other, WINDOW // 2, 1)]).sum(dim=0)


def _windows(values: Tensor, side: int) -> Tensor:
    """Return values (N, C, H, W) by windows, (N, C · windows, side²)."""
    count, channels, height, width = values.shape
    cut = values.reshape(count, channels, height // side, side, width // side, side)
    return cut.permute(0, 1, 2, 4, 3, 5).reshape(count, -1, side * side)
