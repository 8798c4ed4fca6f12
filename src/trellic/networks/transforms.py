"""Analysis and synthesis: picture ⇄ latents at 1/16.

Both begin as a linear transform that already works (cosine or lapped stem at 1/8, Haar merge to the lowest
frequencies at 1/16), every channel scaled to unit variance by statistics of training pictures; residual blocks
between them learn the rest.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.bases import dct, haar_merge, lapped, picture_basis
from trellic.networks.blocks import block, full_precision
from trellic.networks.design import Design

STEM_CHANNELS = 192


class ScaledConv(nn.Module):
    """A strided convolution (or its transpose) from a fixed basis, with a learned scale for each basis function."""

    def __init__(self, basis: np.ndarray, stride: int, transposed: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(basis, dtype=torch.float32))
        self.scale = nn.Parameter(torch.ones(len(basis)))
        self.bias = nn.Parameter(torch.zeros(basis.shape[1] if transposed else len(basis)))
        self.stride = stride
        self.transposed = transposed

    def forward(self, features: Tensor) -> Tensor:
        with full_precision():
            return self._transform(features.float())

    def _transform(self, features: Tensor) -> Tensor:
        weight = self.weight * self.scale[:, None, None, None]
        margin = weight.shape[-1] - self.stride  # overlap: half a stride on each side
        if not self.transposed:
            if margin:
                features = F.pad(features, [margin // 2] * 4, mode="reflect")
            return F.conv2d(features, weight, self.bias, stride=self.stride)
        if margin:
            features = F.pad(features, [1] * 4, mode="replicate")
        trim = margin // 2 + (self.stride if margin else 0)
        return F.conv_transpose2d(features, weight, self.bias, stride=self.stride, padding=trim)


def _stem_basis(design: Design) -> np.ndarray:
    return picture_basis(lapped(8) if design.stem == "lapped" else dct(8))


def _merge_basis(design: Design, energies: np.ndarray | None = None) -> np.ndarray:
    """Return the Haar functions (latents, 192, 2, 2), the most energetic first where energies are known."""
    basis = haar_merge(STEM_CHANNELS)
    order = np.arange(len(basis)) if energies is None else np.argsort(-energies, kind="stable")
    return basis[order[: design.latents]]


class Analysis(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1], sides multiples of 64 → latents y (N, latents, H/16, W/16)."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.stem = ScaledConv(_stem_basis(design), 8, transposed=False)
        count, _, inner = design.fine
        self.fine = nn.Sequential(*[block(design.blocks, STEM_CHANNELS, inner) for _ in range(count)])
        self.merge = ScaledConv(_merge_basis(design), 2, transposed=False)
        count, _, inner = design.coarse
        self.coarse = nn.Sequential(*[block(design.blocks, design.latents, inner) for _ in range(count)])

    def forward(self, pictures: Tensor) -> Tensor:
        latents: Tensor = self.coarse(self.merge(self.fine(self.stem(pictures - 0.5))))
        return latents


class Synthesis(nn.Module):
    """Latents (N, latents, H/16, W/16) and quality (N, 1, 1, 1) in [0, 1] → pictures (N, 3, H, W), not clipped."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.by_quality = nn.Parameter(torch.zeros(1, design.latents, 1, 1))
        _, count, inner = design.coarse
        self.coarse = nn.Sequential(*[block(design.blocks, design.latents, inner) for _ in range(count)])
        self.merge = ScaledConv(_merge_basis(design), 2, transposed=True)
        _, count, inner = design.fine
        self.fine = nn.Sequential(*[block(design.blocks, STEM_CHANNELS, inner) for _ in range(count)])
        self.stem = ScaledConv(_stem_basis(design), 8, transposed=True)

    def forward(self, latents: Tensor, quality: Tensor) -> Tensor:
        latents = latents + self.by_quality * quality
        pictures: Tensor = self.stem(self.fine(self.merge(self.coarse(latents))))
        return pictures + 0.5


@torch.no_grad()
def fit_to(pictures: Tensor, design: Design, analysis: Analysis, synthesis: Synthesis) -> Tensor:
    """Scale the untrained transforms to data: unit variance at both stages, their inverse in the synthesis.

    pictures  float32 (N, 3, H, W) in [0, 1]
    Returns the standard deviation of each latent in orthonormal units of 8-bit pixel values, (latents,).
    """

    def deviation(features: Tensor) -> Tensor:
        return features.pow(2).mean(dim=(0, 2, 3)).sqrt().clamp_min(1e-4)

    fine = deviation(analysis.stem(pictures - 0.5))
    analysis.stem.scale.div_(fine)
    synthesis.stem.scale.mul_(fine)
    stems = analysis.stem(pictures - 0.5)
    # In pixel units a merged channel carries its stem channel's deviation, so rank by that energy.
    everything = torch.tensor(haar_merge(STEM_CHANNELS), dtype=torch.float32)
    merged = deviation(F.conv2d(stems, everything, stride=2))
    energies = (merged * fine.repeat(4)).pow(2).numpy()
    order = np.argsort(-energies, kind="stable")[: design.latents]
    basis = torch.tensor(_merge_basis(design, energies), dtype=torch.float32)
    analysis.merge.weight.copy_(basis)
    synthesis.merge.weight.copy_(basis)
    coarse = merged[torch.tensor(order.copy())]
    analysis.merge.scale.div_(coarse)
    synthesis.merge.scale.mul_(coarse)
    return coarse * fine.repeat(4)[torch.tensor(order.copy())] * 255.0
