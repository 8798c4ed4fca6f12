"""The family "invertible": the synthesis is the analysis backwards, with the same weights, so that nothing is lost.

An 8×8 cosine stem and a 2×2 Haar merge, fixed and orthonormal, each followed by learned scales; after each, additive
couplings: the low frequencies predict the high ones, which then update the low ones. Before latents are quantized,
pictures come back to 1e-5. What is quantized is not invertible: where only the first latents are kept, a network of the
decoder recovers the rest, and a denoiser, trained last, mends decoded latents.
Sources: Gao et al., approximately invertible neural network (2025); Dinh et al., NICE (2015); Sweldens, the
lifting scheme (1996).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.blocks import activation, block, depthwise, full_precision, pointwise
from trellic.networks.design import Design, Invertible
from trellic.networks.transforms.bases import dct, haar_merge, picture_basis
from trellic.networks.transforms.conditioning import Gain

STEM_STRIDE = 8
FINE, COARSE = 3 * STEM_STRIDE**2, 12 * STEM_STRIDE**2
"""Channels at 1/8 and at 1/16: as many values as pixels have."""


def _branch(inputs: int, inner: int, outputs: int) -> nn.Sequential:
    """Return a network that gives zero at the start."""
    last = pointwise(inner, outputs)
    for weight in last.parameters():
        nn.init.zeros_(weight)
    return nn.Sequential(pointwise(inputs, inner), activation(), depthwise(inner), activation(), last)


class Coupling(nn.Module):
    """b += predict(a); a += update(b): a is the first third of the channels. The identity at the start."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        low = channels // 3
        self.predict, self.update = _branch(low, inner, channels - low), _branch(channels - low, inner, low)

    def forward(self, features: Tensor) -> Tensor:
        low, high = _split(features)
        high = high + self.predict(low)
        return torch.cat([low + self.update(high), high], dim=1)

    def inverse(self, features: Tensor) -> Tensor:
        """Return what `forward` was given."""
        low, high = _split(features)
        low = low - self.update(high)
        return torch.cat([low, high - self.predict(low)], dim=1)


def _split(features: Tensor) -> tuple[Tensor, Tensor]:
    low, *high = features.chunk(3, dim=1)
    return low, torch.cat(high, dim=1)


class Scaled(nn.Module):
    """A fixed orthonormal transform of blocks of pixels or features, its outputs scaled."""

    basis: Tensor

    def __init__(self, basis: Tensor) -> None:
        super().__init__()
        self.register_buffer("basis", basis)
        self.logs = nn.Parameter(torch.zeros(1, len(basis), 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        with full_precision(features):
            return F.conv2d(features.float(), self.basis, stride=self.basis.shape[-1]) * self.logs.exp()

    def inverse(self, features: Tensor) -> Tensor:
        """Return what `forward` was given."""
        with full_precision(features):
            return F.conv_transpose2d(features.float() * (-self.logs).exp(), self.basis, stride=self.basis.shape[-1])

    @torch.no_grad()
    def fit(self, features: Tensor, factors: Tensor) -> Tensor:
        """Order outputs by energy and scale them to unit variance.

        factors  of the energy's unit, by output, (C,)
        Returns the deviation of each output in that unit, (C,), falling.
        """
        deviations = self(features).pow(2).mean(dim=(0, 2, 3)).sqrt().clamp_min(1e-4)
        order = torch.argsort(deviations * factors, descending=True, stable=True)
        self.basis.copy_(self.basis[order])
        self.logs.copy_(-deviations[order].log().view(1, -1, 1, 1))
        return (deviations * factors)[order]


class Transform(nn.Module):
    """Pictures (N, 3, H, W), centred, ⇄ features (N, 768, H/16, W/16), most energetic first."""

    def __init__(self, options: Invertible) -> None:
        super().__init__()
        self.stem = Scaled(torch.tensor(picture_basis(dct(STEM_STRIDE)), dtype=torch.float32))
        self.fine = nn.ModuleList(Coupling(FINE, options.fine[1]) for _ in range(options.fine[0]))
        self.merge = Scaled(torch.tensor(haar_merge(FINE), dtype=torch.float32))
        self.coarse = nn.ModuleList(Coupling(COARSE, options.coarse[1]) for _ in range(options.coarse[0]))

    def forward(self, pictures: Tensor) -> Tensor:
        features = self.stem(pictures)
        for coupling in self.fine:
            features = coupling(features)
        features = self.merge(features)
        for coupling in self.coarse:
            features = coupling(features)
        return features

    def coarse_inverse(self, features: Tensor) -> Tensor:
        """Return features at 1/8, (N, 192, H/8, W/8)."""
        for coupling in reversed(self.coarse):
            features = coupling.inverse(features)  # type: ignore[operator]
        return self.merge.inverse(features)

    def fine_inverse(self, features: Tensor) -> Tensor:
        """Return pictures of features at 1/8."""
        for coupling in reversed(self.fine):
            features = coupling.inverse(features)  # type: ignore[operator]
        return self.stem.inverse(features)


class Analysis(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1], quality (N, 1, 1, 1) → latents y (N, latents, H/16, W/16) in quantizer steps."""

    def __init__(self, design: Design, transform: Transform) -> None:
        super().__init__()
        self.transform, self.latents = transform, design.latents
        self.gain = Gain(design.latents, design.transform_as(Invertible).gain_knots, 1.0)

    def forward(self, pictures: Tensor, quality: Tensor) -> Tensor:
        features = self.transform(pictures - 0.5)
        if self.latents < COARSE:
            features = F.conv2d(
                features, torch.eye(COARSE, device=features.device)[: self.latents, :, None, None].to(features)
            )
        latents: Tensor = features * self.gain(quality)
        return latents


class Synthesis(nn.Module):
    """Latents (N, latents, H/16, W/16), quality (N, 1, 1, 1) in [0, 1] → pictures (N, 3, H, W), not clipped."""

    def __init__(self, design: Design, transform: Transform) -> None:
        super().__init__()
        options = design.transform_as(Invertible)
        self.transform = transform
        self.gain = Gain(design.latents, options.gain_knots, -1.0)
        self.recovery = nn.ModuleList()
        if design.latents < COARSE:
            self.recovery.append(_branch(design.latents, options.recovery, COARSE - design.latents))
        coarse, fine, inner = options.denoiser
        self.coarse = nn.Sequential(*[block("inverted", design.latents, inner) for _ in range(coarse)])
        self.fine = nn.Sequential(*[block("inverted", FINE, inner) for _ in range(fine)])

    def forward(self, latents: Tensor, quality: Tensor) -> Tensor:
        features = self.coarse(latents * self.gain(quality))
        for network in self.recovery:
            features = torch.cat([features, network(features)], dim=1)
        features = self.fine(self.transform.coarse_inverse(features))
        return self.transform.fine_inverse(features) + 0.5


def build(design: Design) -> tuple[Analysis, Synthesis]:
    """Return analysis and synthesis, which share the transform's weights."""
    transform = Transform(design.transform_as(Invertible))
    return Analysis(design, transform), Synthesis(design, transform)


def margin_of(design: Design) -> int:
    """Return how far around a tile the transforms look, in pixels: half as far as their couplings reach.

    A coupling reaches two positions; receptive fields end in weights near zero, see `residual.MARGIN`.
    """
    options = design.transform_as(Invertible)
    reach = 2 * (STEM_STRIDE * options.fine[0] + 2 * STEM_STRIDE * options.coarse[0])
    return reach // 2 + -(reach // 2) % (2 * STEM_STRIDE)


@torch.no_grad()
def fit_to(pictures: Tensor, analysis: Analysis, synthesis: Synthesis) -> None:
    """Scale untrained transforms to data: unit variance after stem and merge, and the gains; order by energy.

    pictures  float32 (N, 3, H, W) in [0, 1]
    """
    transform, count = analysis.transform, analysis.latents
    fine = transform.stem.fit(pictures - 0.5, torch.ones(FINE, device=pictures.device))
    energies = transform.merge.fit(transform.stem(pictures - 0.5), fine.repeat(4))
    analysis.gain.move_to(energies[:count] * 255.0, 1.0)
    synthesis.gain.move_to(energies[:count] * 255.0, -1.0)
