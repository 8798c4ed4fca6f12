"""The deployed quantizer inside a forward pass: its own kernels, tables, order and state, straight-through."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from trellic.codec.coding import Pass
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import quantize_pass
from trellic.codec.positions import Floats
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import ONE
from trellic.entropy.tables import SCALES
from trellic.model.schedule import Code
from trellic.networks.learned import Coder, positions_of
from trellic.networks.priors.base import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, Gaussian
from trellic.networks.surrogates import interval_bits, level_bits
from trellic.quantize import dequantize

NOISE = 0.7
"""In steps: how wide the noise is by which the rate's gradient is taken."""
DENSE, SPARSE_ROUNDED, SPARSE_SEARCHED = 0.93, 0.021, 0.008
"""That gradient counts DENSE + SPARSE / s², s being the scale in steps.

Then gradients of rate and distortion are to each other as both really change with the latents' size, be scales small,
where straight-through gradients promise a gain that a quantizer seldom makes, or large. One that weighs rate makes it
more often than one that rounds. Found on `valid/cid22`, by `trellic.train.gradient_ratio`.
"""
_POOL = ThreadPoolExecutor()  # the kernels do not hold the interpreter's lock


class QuantizerInTheLoop:
    """A coder for one batch: each picture at its own quality, its trellis carried through all passes.

    weights    what an error in each latent is worth, float32 (latents,), by quality 0 to 1
    quality    (N, 1, 1, 1)
    otherwise  codes the passes that are always rounded

    The kernels run on the processor, whatever device the batch is on.
    """

    def __init__(
        self, deployed: DeployedQuantizer, weights: Callable[[float], Floats], quality: Tensor, otherwise: Coder
    ) -> None:
        qualities = [float(each) for each in quality.flatten()]
        self.deployed, self.otherwise = deployed, otherwise
        self.parameters = [deployed.at(round(each * HIGHEST_QUALITY)) for each in qualities]
        self.weights = [weights(each) for each in qualities]
        self.states = [0] * len(qualities)
        steps = [parameters.step / ONE for parameters in self.parameters]
        self.steps = torch.tensor(steps, device=quality.device).view(-1, 1, 1, 1)
        self.noise = self.steps * NOISE
        self.sparse = SPARSE_SEARCHED if deployed.quantizer.rate_weight else SPARSE_ROUNDED

    def __call__(self, step: Code, target: Tensor, gaussian: Gaussian) -> tuple[Tensor, Tensor]:
        """Return decoded latents and their bits, (N, C, H, W), zero outside the pass's mask."""
        if step.is_rounded:
            return self.otherwise(step, target, gaussian)
        log_scale = gaussian.log_scale.float().clamp(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)
        mean = gaussian.mean.float()
        decoded, indices, sets, coded = self._quantize(step, target, mean, log_scale)
        inside = positions_of(step.mask, target)
        follows = torch.where(coded, target, mean)  # a decoder keeps the mean where nothing is coded
        through = (follows + (decoded - follows).detach()) * inside
        bits = level_bits(decoded - mean, indices, sets, self.steps, log_scale)
        if target.requires_grad:
            bits = bits + coded * self._slope(target - mean.detach(), log_scale.detach())
        return through, bits * inside

    def _quantize(self, step: Code, target: Tensor, mean: Tensor, log_scale: Tensor) -> list[Tensor]:
        """Return decoded latents, indices, level sets, and whether each latent is coded, all (N, C, H, W)."""
        planes = [values.detach().float().cpu().contiguous().numpy() for values in (target, mean, log_scale)]
        shape = planes[0].shape
        decoded, coded = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
        indices, sets = np.zeros(shape, np.int32), np.zeros(shape, np.int32)

        def quantize(n: int) -> None:
            values, means, log_scales = (plane[n] for plane in planes)
            parameters = self.parameters[n]
            at = Pass.of(step, means, log_scales, parameters.step, self.states[n], decoded[n])
            weights = at.spread(self.weights[n][step.channels], means[0].size)
            chosen, cdf_indices, self.states[n] = quantize_pass(
                self.deployed.quantizer, parameters, at, at.gather(values), weights
            )
            offsets = parameters.offsets
            at.put(dequantize(chosen, cdf_indices, at.parameters.means, offsets, parameters.step), decoded[n])
            at.put((cdf_indices // SCALES).astype(np.int32), sets[n])
            at.put(chosen, indices[n])
            at.put(np.ones_like(chosen), coded[n])

        list(_POOL.map(quantize, range(len(decoded))))
        return [torch.from_numpy(values).to(target.device) for values in (decoded, indices, sets, coded)]

    def _slope(self, residuals: Tensor, log_scale: Tensor) -> Tensor:
        """Return zero, with the gradient for the latents of what they cost with noise in place of indices.

        Indices themselves say little of it: most are zero, whose cost is flat, though a larger latent is nearer to one.
        """
        noisy = residuals / self.noise + torch.rand_like(residuals) - 0.5
        factor = DENSE + self.sparse * (self.steps * torch.exp(-log_scale)).square()
        bits = factor * interval_bits(noisy, log_scale - self.noise.log())
        return bits - bits.detach()
