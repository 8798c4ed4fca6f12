"""The family "residual": picture ⇄ latents at 1/16 by residual blocks between classical transforms.

Both begin as a linear transform that already works (cosine stem at 1/8, Haar merge to the lowest frequencies at 1/16),
every channel scaled to unit variance by statistics of training pictures; residual blocks learn the rest.
"""

from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.blocks import block
from trellic.networks.design import Design, TransformOptions
from trellic.networks.near import REACH, near_block
from trellic.networks.transforms.bases import dct, haar_merge, picture_basis
from trellic.networks.transforms.basis_conv import BasisConv
from trellic.networks.transforms.conditioning import Condition, Gain

STEM_STRIDE = 8
STEM_CHANNELS = 3 * STEM_STRIDE**2
MARGIN = 48
"""How far around a tile the transforms look, in pixels. Its pixels then differ from the whole picture's by a level at
most, in a hundredth of the pixels beside its edge: the receptive fields end in weights near zero."""
NEAR_MARGIN = 16 * REACH
"""The same of attention."""


def stem_basis(side: int) -> np.ndarray:
    """Return the cosine basis of 8×8 pixels, continued by zeros to filters of a side."""
    margin = (side - STEM_STRIDE) // 2
    return np.pad(picture_basis(dct(STEM_STRIDE)), ((0, 0), (0, 0), (margin, margin), (margin, margin)))


def _merge_basis(latents: int, energies: np.ndarray | None = None) -> np.ndarray:
    """Return the Haar functions (latents, 192, 2, 2), the most energetic first where energies are known."""
    basis = haar_merge(STEM_CHANNELS)
    order = np.arange(len(basis)) if energies is None else np.argsort(-energies, kind="stable")
    return basis[order[:latents]]


def _stack(options: TransformOptions, count: int, width: int, inner: int, inverse: bool) -> nn.Sequential:
    blocks = [block(options.blocks, width, inner, options.activation, inverse) for _ in range(count)]
    return nn.Sequential(*blocks)


def _coarse(options: TransformOptions, count: int, width: int, inverse: bool) -> nn.Sequential:
    blocks = list(_stack(options, count, width, options.coarse[2], inverse).named_children())
    if options.near:  # by a name of its own, so that a model without it can go on with it
        blocks.insert(max(0, count - 1), ("near", near_block(width, options.near)))
    return nn.Sequential(OrderedDict(blocks))


class Analysis(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1], quality (N, 1, 1, 1) → latents y (N, latents, H/16, W/16) in quantizer steps."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        options = design.transform_as(TransformOptions)
        self.stem = BasisConv(stem_basis(options.stem), STEM_STRIDE, transposed=False)
        count, _, inner = options.fine
        self.fine = _stack(options, count, STEM_CHANNELS, inner, False)
        self.merge = BasisConv(_merge_basis(design.latents), 2, transposed=False)
        self.coarse = _coarse(options, options.coarse[0], design.latents, False)
        self.gain = Gain(design.latents, options.gain_knots, 1.0)
        conditions = (STEM_CHANNELS, design.latents) if options.conditioned else ()
        self.conditions = nn.ModuleList(Condition(channels) for channels in conditions)

    def forward(self, pictures: Tensor, quality: Tensor) -> Tensor:
        features = self.stem(pictures - 0.5)
        features = self.fine(_conditioned(self.conditions, 0, features, quality))
        features = self.merge(features)
        features = self.coarse(_conditioned(self.conditions, 1, features, quality))
        latents: Tensor = features * self.gain(quality)
        return latents


class Synthesis(nn.Module):
    """Latents (N, latents, H/16, W/16), quality (N, 1, 1, 1) in [0, 1] → pictures (N, 3, H, W), not clipped."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        options = design.transform_as(TransformOptions)
        self.gain = Gain(design.latents, options.gain_knots, -1.0)
        self.coarse = _coarse(options, options.coarse[1], design.latents, True)
        self.merge = BasisConv(_merge_basis(design.latents), 2, transposed=True)
        _, count, inner = options.fine
        self.fine = _stack(options, count, STEM_CHANNELS, inner, True)
        self.stem = BasisConv(stem_basis(options.stem), STEM_STRIDE, transposed=True)
        conditions = (design.latents, STEM_CHANNELS, STEM_CHANNELS) if options.conditioned else ()
        self.conditions = nn.ModuleList(Condition(channels) for channels in conditions)

    def forward(self, latents: Tensor, quality: Tensor) -> Tensor:
        features = latents * self.gain(quality)
        features = self.coarse(_conditioned(self.conditions, 0, features, quality))
        features = self.fine(_conditioned(self.conditions, 1, self.merge(features), quality))
        pictures: Tensor = self.stem(_conditioned(self.conditions, 2, features, quality))
        return pictures + 0.5


def _conditioned(conditions: nn.ModuleList, number: int, features: Tensor, quality: Tensor) -> Tensor:
    """Return features scaled and shifted by the quality, where a design has them so."""
    return conditions[number](features, quality) if conditions else features  # type: ignore[no-any-return]


def margin_of(design: Design) -> int:
    """Return how far around a tile the transforms of a design look, in pixels."""
    return MARGIN + (NEAR_MARGIN if design.transform_as(TransformOptions).near else 0)


def build(design: Design) -> tuple[Analysis, Synthesis]:
    """Return analysis and synthesis."""
    return Analysis(design), Synthesis(design)


@torch.no_grad()
def fit_to(pictures: Tensor, analysis: Analysis, synthesis: Synthesis) -> None:
    """Scale untrained transforms to data: unit variance at both stages, their inverse in the synthesis, and the gains.

    pictures  float32 (N, 3, H, W) in [0, 1]
    """

    def deviation(features: Tensor) -> Tensor:
        return features.pow(2).mean(dim=(0, 2, 3)).sqrt().clamp_min(1e-4)

    fine = deviation(analysis.stem(pictures - 0.5))
    analysis.stem.scale.div_(fine)
    synthesis.stem.scale.mul_(fine)
    stems = analysis.stem(pictures - 0.5)
    # In pixel units a merged channel carries its stem channel's deviation, so rank by that energy.
    everything = torch.tensor(haar_merge(STEM_CHANNELS), dtype=torch.float32, device=pictures.device)
    merged = deviation(F.conv2d(stems, everything, stride=2))
    energies = (merged * fine.repeat(4)).pow(2).cpu().numpy()
    latents = len(analysis.merge.weight)
    order = torch.from_numpy(np.argsort(-energies, kind="stable")[:latents].copy())
    basis = torch.tensor(_merge_basis(latents, energies), dtype=torch.float32, device=pictures.device)
    analysis.merge.weight.copy_(basis)
    synthesis.merge.weight.copy_(basis)
    coarse = merged[order]
    analysis.merge.scale.div_(coarse)
    synthesis.merge.scale.mul_(coarse)
    deviations = coarse * fine.repeat(4)[order] * 255.0
    analysis.gain.move_to(deviations, 1.0)
    synthesis.gain.move_to(deviations, -1.0)
