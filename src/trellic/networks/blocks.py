"""Residual blocks, each beginning close to the identity, chosen by name in a design.

`inverted`  1×1 widen, activation, depthwise 3×3, activation, 1×1 narrow (after Sandler et al., 2018)
`gated`     1×1 widen, depthwise 3×3, one half multiplied by the other, 1×1 narrow (after Chen et al., 2022)
`dense`     1×1 narrow, activation, dense 3×3, activation, 1×1 widen (after He et al., 2016)
"""

import torch
from torch import Tensor, nn

from trellic.networks.activations import activation_of
from trellic.networks.options import LEAKY, Activation


def full_precision(like: Tensor) -> torch.autocast:
    """Return a context in which layers compute in float32 on a tensor's device, whatever precision training asked for.

    For all that carries latents, means or pixels: bfloat16 would round a latent of 300 to a multiple of 2.
    """
    return torch.autocast(like.device.type, enabled=False)


def pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 1×1 convolution."""
    return nn.Conv2d(inputs, outputs, 1)


def depthwise(width: int) -> nn.Conv2d:
    """Return a depthwise 3×3 convolution that begins as the identity."""
    layer = nn.Conv2d(width, width, 3, padding=1, groups=width)
    nn.init.normal_(layer.weight, std=0.02)
    layer.weight.data[:, 0, 1, 1] += 1.0
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def activation() -> nn.Module:
    """Return the activation of all networks but the blocks of transforms, which have options: LeakyReLU."""
    return activation_of(LEAKY, 0)


class Plus(nn.Module):
    """Add two tensors: a module, so that it can be made exact."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first + second


class Gate(nn.Module):
    """Multiply the first half of the channels by the second, (N, 2C, H, W) → (N, C, H, W)."""

    def forward(self, features: Tensor) -> Tensor:
        value, gate = features.chunk(2, dim=1)
        return value * gate


class Residual(nn.Module):
    """Add a branch to its input; the branch's last layer begins near zero."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*layers)
        last = layers[-1]
        if isinstance(last, nn.Conv2d):
            last.weight.data *= 0.1
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    @torch.no_grad()
    def silence(self) -> None:
        """Make the block the identity, from which it learns: only its last layer is zero."""
        for weight in self.branch[-1].parameters():
            weight.zero_()

    def forward(self, features: Tensor) -> Tensor:
        return features + self.branch(features)


def block(kind: str, width: int, inner: int, option: Activation = LEAKY, inverse: bool = False) -> Residual:
    """Return a residual block of the named kind: `width` channels outside, `inner` inside; `inverse` in a synthesis."""

    def activate() -> nn.Module:
        return activation_of(option, inner, inverse)

    match kind:
        case "inverted":
            return Residual(pointwise(width, inner), activate(), depthwise(inner), activate(), pointwise(inner, width))
        case "gated":
            return Residual(pointwise(width, 2 * inner), depthwise(2 * inner), Gate(), pointwise(inner, width))
        case "dense":
            middle = nn.Conv2d(inner, inner, 3, padding=1)
            return Residual(pointwise(width, inner), activate(), middle, activate(), pointwise(inner, width))
        case _:
            raise ValueError(f"unknown block kind {kind!r}: inverted, gated or dense")
