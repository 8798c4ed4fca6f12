"""Uniform noise in the place of a quantizer, in the latents themselves: the control of training on quantized ones."""

import torch
from torch import Tensor

from trellic.model.schedule import Code
from trellic.networks.learned import positions_of
from trellic.networks.priors import Gaussian
from trellic.networks.surrogates import NoisyRounding


class Noise:
    """A coder whose decoded latents are targets with noise one unit wide; passes that are always rounded still are."""

    def __init__(self) -> None:
        self.rounding = NoisyRounding()

    def __call__(self, step: Code, target: Tensor, gaussian: Gaussian) -> tuple[Tensor, Tensor]:
        """Return noisy latents, and the bits that rounding would take."""
        decoded, bits = self.rounding(step, target, gaussian)
        if step.is_rounded:
            return decoded, bits
        return (target + torch.rand_like(target) - 0.5) * positions_of(step.mask, target), bits
