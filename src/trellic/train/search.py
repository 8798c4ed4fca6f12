"""The deployed quantizer inside a forward pass: its own kernels, tables, order and state, straight-through."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import quantize_pass
from trellic.codec.passes import Pass
from trellic.codec.positions import ALL, ANCHORS, NON_ANCHORS
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import ONE
from trellic.entropy.tables import SCALES
from trellic.model.networks import Floats
from trellic.networks.codec import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, interval_bits, level_bits
from trellic.networks.prior import Parameters, first_half
from trellic.quantize import dequantize

NOISE = 0.7
"""In steps: how wide the noise is by which the rate's gradient is taken."""
DENSE, SPARSE_ROUNDED, SPARSE_SEARCHED = 0.93, 0.021, 0.008
"""That gradient counts DENSE + SPARSE / s², s being the scale in steps.

Then gradients of rate and distortion are to each other as both really change with the latents' size, be scales small,
where straight-through gradients promise a gain that a quantizer seldom makes, or large. One that weighs rate makes it
more often than one that rounds. Found on `valid/cid22`, by `trellic.train.balance`.
"""
_POOL = ThreadPoolExecutor()  # the kernels do not hold the interpreter's lock


def mask_of(positions: int, latents: Tensor) -> Tensor:
    """Return the mask of positions, float (1, 1, H, W)."""
    first = first_half(latents)
    return {ANCHORS: first, NON_ANCHORS: 1 - first, ALL: torch.ones_like(first)}[positions]


class QuantizerSearch:
    """A `Search` for one batch: each picture at its own quality, its trellis carried through all passes.

    weights  what an error in each latent is worth, float32 (latents,), by quality 0 to 1
    quality  (N, 1, 1, 1)
    """

    def __init__(
        self,
        deployed: DeployedQuantizer,
        weights: Callable[[float], Floats],
        groups: tuple[int, ...],
        quality: Tensor,
    ) -> None:
        shares = [float(share) for share in quality.flatten()]
        self.deployed = deployed
        self.settings = [deployed.at(round(share * HIGHEST_QUALITY)) for share in shares]
        self.weights = [weights(share) for share in shares]
        self.states = [0] * len(shares)
        ends = np.cumsum(groups)
        self.channels = [slice(int(end - size), int(end)) for size, end in zip(groups, ends, strict=True)]
        self.steps = torch.tensor([settings.step / ONE for settings in self.settings]).view(-1, 1, 1, 1)
        self.noise = self.steps * NOISE
        self.sparse = SPARSE_SEARCHED if deployed.quantizer.rate_weight else SPARSE_ROUNDED

    def __call__(self, group: int, mask: int, latents: Tensor, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """Return decoded latents and their bits, (N, C, H, W), zero outside the mask."""
        log_scale = parameters.log_scale.clamp(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)
        planes = [values.detach().float().contiguous().numpy() for values in (latents, parameters.mean, log_scale)]
        decoded = np.zeros(planes[0].shape, np.float32)
        indices, sets = np.zeros(decoded.shape, np.int32), np.zeros(decoded.shape, np.int32)
        are_coded = np.zeros(decoded.shape, np.bool_)
        channels = self.channels[group]
        quantizer = self.deployed.quantizer

        def quantize(n: int) -> None:
            values, mean, scale = (plane[n] for plane in planes)
            settings = self.settings[n]
            at = Pass.of(mean, scale, channels, mask, settings.step, self.states[n], decoded[n])
            of_pass, weights = at.gather(values), at.spread(self.weights[n][channels], mean[0].size)
            chosen, cdf_indices, self.states[n] = quantize_pass(quantizer, settings, at, of_pass, weights)
            at.put(dequantize(chosen, cdf_indices, at.parameters.means, settings.offsets, settings.step), decoded[n])
            at.put((cdf_indices // SCALES).astype(np.int32), sets[n])
            at.put(chosen, indices[n])
            at.put(np.ones_like(chosen), are_coded[n])

        list(_POOL.map(quantize, range(len(decoded))))
        inside = mask_of(mask, latents)
        coded = torch.from_numpy(are_coded)
        follows = torch.where(coded, latents, parameters.mean)  # a decoder keeps the mean where nothing is coded
        through = (follows + (torch.from_numpy(decoded) - follows).detach()) * inside
        residuals = torch.from_numpy(decoded) - parameters.mean
        bits = level_bits(residuals, torch.from_numpy(indices), torch.from_numpy(sets), self.steps, log_scale)
        if latents.requires_grad:
            bits = bits + coded * self._slope(latents - parameters.mean.detach(), log_scale.detach())
        return through, bits * inside

    def _slope(self, residuals: Tensor, log_scale: Tensor) -> Tensor:
        """Return zero, with the gradient for the latents of what they cost with noise in place of indices.

        Indices themselves say little of it: most are zero, whose cost is flat, though a larger latent is nearer to one.
        """
        noisy = residuals / self.noise + torch.rand_like(residuals) - 0.5
        share = DENSE + self.sparse * (self.steps * torch.exp(-log_scale)).square()
        bits = share * interval_bits(noisy, log_scale - self.noise.log())
        return bits - bits.detach()
