"""Surrogates of the quantizer in training: noise for the rate, rounding for decoded latents; and bits of intervals."""

import math

import torch
from torch import Tensor

from trellic.model.schedule import Code
from trellic.networks.learned import positions_of
from trellic.networks.priors.base import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, Gaussian


def round_through(values: Tensor, mean: Tensor) -> Tensor:
    """Return mean + round(values - mean), with the gradient of the identity for `values`."""
    residuals = values - mean
    return values + (residuals.round() - residuals).detach()


def _inverse(log_scale: Tensor) -> Tensor:
    return torch.exp(-log_scale.clamp(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)) * math.sqrt(0.5)


def interval_bits(residuals: Tensor, log_scale: Tensor) -> Tensor:
    """Return bits of the unit interval around each residual under a zero-mean Gaussian, element by element."""
    inverse, distance = _inverse(log_scale), residuals.abs()
    upper = torch.erfc((distance - 0.5) * inverse)
    lower = torch.erfc((distance + 0.5) * inverse)
    return -torch.log2((0.5 * (upper - lower)).clamp_min(1e-7))


def level_bits(residuals: Tensor, indices: Tensor, sets: Tensor, steps: Tensor, log_scale: Tensor) -> Tensor:
    """Return bits of the interval around each index's level under a zero-mean Gaussian, element by element.

    residuals  decoded latents less their means: where the gradient goes. An interval moves along with its residual
    indices, sets, steps  integers of a real quantizer, its level sets (0 or 1), and its step in the latents' unit

    The intervals are those of `trellic.entropy.tables.gaussian_tables`.
    """
    magnitude = indices.abs()
    far = torch.where(sets > 0, magnitude, magnitude + 0.5)
    near = torch.where(sets > 0, torch.where(magnitude == 1, 0.25, magnitude - 1.0), magnitude - 0.5)
    zero = 0.5 - 0.25 * sets
    near, far = (torch.where(magnitude == 0, edge, other) for edge, other in ((-zero, near), (zero, far)))
    sign = torch.where(indices < 0, -1.0, 1.0)
    moved = sign * (residuals - residuals.detach())
    inverse = _inverse(log_scale)
    chance = torch.erfc((near * steps + moved) * inverse) - torch.erfc((far * steps + moved) * inverse)
    return -torch.log2((0.5 * chance).clamp_min(1e-7))


class NoisyRounding:
    """The coder of pretraining: decoded latents are rounded, and bits are those of noisy latents."""

    def __call__(self, step: Code, target: Tensor, gaussian: Gaussian) -> tuple[Tensor, Tensor]:
        """Return decoded latents and their bits, as `Coder` does."""
        inside = positions_of(step.mask, target)
        noisy = target - gaussian.mean + torch.rand_like(target) - 0.5
        return round_through(target, gaussian.mean) * inside, interval_bits(noisy, gaussian.log_scale) * inside


class Rounding:
    """The coder of validation: decoded latents, and bits, are those of rounding."""

    def __call__(self, step: Code, target: Tensor, gaussian: Gaussian) -> tuple[Tensor, Tensor]:
        """Return decoded latents and their bits, as `Coder` does."""
        inside = positions_of(step.mask, target)
        residuals = (target - gaussian.mean).round()
        return (gaussian.mean + residuals) * inside, interval_bits(residuals, gaussian.log_scale) * inside
