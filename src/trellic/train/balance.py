"""Whether gradients that pass a quantizer are to each other as rate and distortion really change.

Some latents are made a little larger and smaller and quantized anew, and bits and squared errors compared: what a
gradient should say. Latents of small scales and of large ones are looked at apart, since a balance of all hides theirs.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trellic.networks.codec import distortion
from trellic.networks.gains import rate_weight
from trellic.networks.prior import Parameters
from trellic.train.retrain import Subject
from trellic.train.search import QuantizerSearch, mask_of

CHANGE = 0.05


class Compared(NamedTuple):
    """What a change of some latents' size does.

    share    of all latents, how many they are
    bits     bits a pixel for a latent's whole size, as they really change
    price    bits for a unit of mean squared error that they really buy, over λ
    balance  the same price by gradients, over the real one: less than 1 where they promise too much
    """

    share: float
    bits: float
    price: float
    balance: float


class _Recorder:
    """A search that keeps the scales of the latents it is asked about, in steps, (N, C, H, W)."""

    def __init__(self, search: QuantizerSearch, latents: Tensor) -> None:
        self.search, self.scales = search, torch.zeros_like(latents)

    def __call__(self, group: int, mask: int, latents: Tensor, parameters: Parameters) -> tuple[Tensor, Tensor]:
        scales = parameters.log_scale.exp() / self.search.steps
        self.scales[:, self.search.channels[group]] += mask_of(mask, latents) * scales
        return self.search(group, mask, latents, parameters)


class Balance:
    """A model with its quantizer, on pictures float32 (N, 3, H, W) in [0, 1], at one quality from 0 to 1."""

    def __init__(self, subject: Subject, pictures: Tensor, quality: float) -> None:
        self.subject, self.pictures = subject, pictures
        self.quality = torch.full((len(pictures), 1, 1, 1), quality)
        with torch.no_grad():
            self.latents = subject.model.eval().analyse(pictures, self.quality)
            recorder = _Recorder(self._search(), self.latents)
            subject.model.code_latents(self.latents, self.quality, recorder)
        self.scales = recorder.scales

    def _search(self) -> QuantizerSearch:
        model, deployed, weights = self.subject
        return QuantizerSearch(deployed, weights, model.groups, self.quality)

    def _measure(self, growth: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Return bits a pixel and mean squared error where some latents have grown; the synthesis shrinks them."""
        model, grown = self.subject.model, 1 + (growth - 1) * which
        coded = model.code_latents(self.latents * grown, self.quality, self._search())
        bits = (coded.latent_bits + coded.side_bits).sum() / self.pictures[:, 0].numel()
        return bits, distortion(model.rebuild(coded.decoded / grown, self.quality), self.pictures).mean()

    def compare(self, low: float, high: float) -> Compared:
        """Return what latents do whose scales, in steps, are between two."""
        which = ((self.scales >= low) & (self.scales < high)).float()
        with torch.no_grad():
            larger, smaller = (self._measure(torch.tensor(1 + change), which) for change in (CHANGE, -CHANGE))
        bits, error = (float(more - less) / (2 * CHANGE) for more, less in zip(larger, smaller, strict=True))
        torch.manual_seed(0)
        growth = torch.tensor(1.0, requires_grad=True)
        said = [float(torch.autograd.grad(v, growth, retain_graph=True)[0]) for v in self._measure(growth, which)]
        usual = float(rate_weight(self.quality).mean())
        return Compared(float(which.mean()), bits, -bits / error / usual, said[0] / said[1] / (bits / error))
