"""Checks gradients through a quantizer against the real changes of rate and distortion.

Some latents are made a little larger and smaller and quantized again, and bits and squared errors compared: what a
gradient should say. Latents of small scales and of large ones are examined apart, since a ratio of all hides theirs.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trellic.model.schedule import Code
from trellic.networks.learned import Decoded, positions_of
from trellic.networks.priors import Gaussian
from trellic.networks.surrogates import Rounding
from trellic.networks.transforms.conditioning import lambda_of
from trellic.train.quantizer_in_loop import QuantizerInTheLoop
from trellic.train.terms import distortion
from trellic.train.training import DeployedModel

CHANGE = 0.05
LATENTS = "y"


class GradientRatio(NamedTuple):
    """Effects of a change of some latents' size.

    fraction       of all latents, how many they are
    bits           bits per pixel for a latent's whole size, as they really change
    marginal_rate  bits for a unit of mean squared error that they really buy, over λ
    ratio          the same by gradients, over the real one: less than 1 where gradients promise too much
    """

    fraction: float
    bits: float
    marginal_rate: float
    ratio: float


class _Recorder:
    """A coder that keeps the scales of the latents it codes, in steps, (N, C, H, W)."""

    def __init__(self, coder: QuantizerInTheLoop, latents: Tensor) -> None:
        self.coder, self.scales = coder, torch.zeros_like(latents)

    def __call__(self, step: Code, target: Tensor, gaussian: Gaussian) -> tuple[Tensor, Tensor]:
        if step.variable == LATENTS:
            scales = gaussian.log_scale.exp() / self.coder.steps
            self.scales[:, step.channels] += positions_of(step.mask, target) * scales
        return self.coder(step, target, gaussian)


class GradientProbe:
    """A model with its quantizer, on pictures float32 (N, 3, H, W) in [0, 1], at one quality from 0 to 1."""

    def __init__(self, model: DeployedModel, pictures: Tensor, quality: float) -> None:
        self.model, self.pictures = model, pictures
        self.quality = torch.full((len(pictures), 1, 1, 1), quality, device=pictures.device)
        with torch.no_grad():
            self.targets = model.codec.eval().encode(pictures, self.quality)
            recorder = _Recorder(self._coder(), self.targets[LATENTS])
            model.codec.code(self.targets, self.quality, recorder)
        self.scales = recorder.scales

    def _coder(self) -> QuantizerInTheLoop:
        assert self.model.quantizer is not None
        return QuantizerInTheLoop(self.model.quantizer, self.model.weights, self.quality, Rounding())

    def _measure(self, growth: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return bits per pixel and mean squared error where some latents have grown; the decoder shrinks them."""
        grown = 1 + (growth - 1) * chosen
        targets = {**self.targets, LATENTS: self.targets[LATENTS] * grown}
        decoded: Decoded = self.model.codec.code(targets, self.quality, self._coder())
        bits = torch.stack(list(decoded.bits.values())).sum() / self.pictures[:, 0].numel()
        values = {**decoded.values, LATENTS: decoded.values[LATENTS] / grown}
        return bits, distortion(self.model.codec.decode(values, self.quality), self.pictures).mean()

    def between(self, low: float, high: float) -> GradientRatio:
        """Return what latents do whose scales, in steps, are between two."""
        chosen = ((self.scales >= low) & (self.scales < high)).float()
        device = self.pictures.device
        with torch.no_grad():
            larger, smaller = (
                self._measure(torch.tensor(1 + change, device=device), chosen) for change in (CHANGE, -CHANGE)
            )
        bits, error = (float(more - less) / (2 * CHANGE) for more, less in zip(larger, smaller, strict=True))
        torch.manual_seed(0)
        growth = torch.tensor(1.0, device=device, requires_grad=True)
        slopes = [float(torch.autograd.grad(v, growth, retain_graph=True)[0]) for v in self._measure(growth, chosen)]
        usual = float(lambda_of(self.quality).mean())
        return GradientRatio(
            float(chosen.mean()), bits, -bits / error / usual, slopes[0] / slopes[1] / (bits / error)
        )  # fmt: skip
