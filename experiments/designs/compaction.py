"""A penalty that gathers energy in few channels, while a transform takes shape.

It is the rate of so many independent Gaussians at steps of 1: for a given energy, least where few channels have it.
Source: after Cheng et al., spatial-temporal energy compaction (2019); the form is coding-gain theory's.
"""

from torch import Tensor

FULL_UNTIL, NONE_FROM = 0.5, 0.7
"""Of the training."""


def compaction_weight(progress: float) -> float:
    """Return the penalty's weight at a progress from 0 to 1: 1, then falling to 0."""
    return min(1.0, max(0.0, (NONE_FROM - progress) / (NONE_FROM - FULL_UNTIL)))


def compaction(latents: Tensor, pixels: int) -> Tensor:
    """Return the penalty of latents (N, C, h, w) in quantizer steps, bits per pixel of pictures of so many, (N,)."""
    energies = latents.float().square().mean(dim=(2, 3))
    positions = latents[0, 0].numel()
    return 0.5 * (1 + energies).log2().sum(dim=1) * positions / pixels
