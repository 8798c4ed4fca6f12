"""A prior: networks by graph name, and the schedule in which they are run and passes are coded."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trellic.model.schedule import Run, Step, Variable
from trellic.networks.blocks import full_precision

SMALLEST_LOG_SCALE = math.log(0.11)
LARGEST_LOG_SCALE = math.log(256.0)
CONTEXT_GAIN = 0.25
"""Latents are of the order of a few quantizer steps; networks prefer units."""


class Gaussian(NamedTuple):
    """Mean and natural logarithm of the scale of each latent, both (N, C, H, W) in the latents' unit."""

    mean: Tensor
    log_scale: Tensor


class Prior(nn.Module):
    """Predicts the variables that are coded.

    networks  by graph name; each takes the tensors that its Run step reads and returns those that it writes, in a tuple
    affine    names of parameters (2, channels), affine in quality, that Code steps name as their log scales
    variables, encode, code  the prior's part of the schedule: its variables, what the encoder alone runs, all coding
    """

    networks: nn.ModuleDict
    affine: tuple[str, ...]
    variables: dict[str, Variable]
    encode: tuple[Run, ...]
    code: tuple[Step, ...]


class Head(nn.Module):
    """Features → mean and log scale of `channels`, by a 1×1 convolution in full precision."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(width, 2 * channels, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        with full_precision(features):
            mean, log_scale = self.layer(features.float()).chunk(2, dim=1)
        return mean / CONTEXT_GAIN, log_scale.clamp(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)


def affine_log_scales(channels: int) -> nn.Parameter:
    """Return log scales that are affine in quality, (2, channels): at quality 0, and the slope."""
    return nn.Parameter(torch.zeros(2, channels))
