"""Per-channel gains: one model for all rates, the quantizer's step staying 1.

The gain of a channel is log-linear in the quality, learned for the encoder and apart from it for the decoder
(after Cui et al., gained variational autoencoders, 2021). The start is high-rate theory: for cost R + λ·255²·MSE
over three colour channels the best step of an orthonormal transform is sqrt(18 / (λ ln 2)) 8-bit units.
"""

import math

import torch
from torch import Tensor, nn

LOWEST_WEIGHT = 0.001
HIGHEST_WEIGHT = 0.25


def rate_weight(quality: Tensor) -> Tensor:
    """Return λ, bits a pixel that one 8-bit unit of mean squared error is worth, for quality in [0, 1]."""
    return LOWEST_WEIGHT * (HIGHEST_WEIGHT / LOWEST_WEIGHT) ** quality


class Gains(nn.Module):
    """Scale latents to quantizer steps and back; quality is (N, 1, 1, 1) in [0, 1]."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        slope = 0.5 * math.log(HIGHEST_WEIGHT / LOWEST_WEIGHT)
        self.up = nn.Parameter(torch.stack([torch.zeros(latents), torch.full((latents,), slope)]))
        self.down = nn.Parameter(-self.up.detach().clone())

    @torch.no_grad()
    def fit_to(self, deviations: Tensor) -> None:
        """Start from theory, given each channel's standard deviation in orthonormal 8-bit units."""
        step = math.sqrt(18 / (LOWEST_WEIGHT * math.log(2)))
        self.up[0] = torch.log(deviations / step)
        self.down[0] = -self.up[0]

    def gain(self, quality: Tensor) -> Tensor:
        """Return the encoder's factor for each latent, (N, latents, 1, 1)."""
        return torch.exp(self.up[0, None, :, None, None] + self.up[1, None, :, None, None] * quality)

    def inverse(self, quality: Tensor) -> Tensor:
        """Return the decoder's factor for each latent, (N, latents, 1, 1)."""
        return torch.exp(self.down[0, None, :, None, None] + self.down[1, None, :, None, None] * quality)
