"""The order of coding, in one place for the encoder and the decoder: channel groups, each in checkerboard halves."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from trellic.entropy.parameters import Parameters, parameters_of
from trellic.model.networks import Floats, Networks

Positions = npt.NDArray[np.intp]
CodePass = Callable[[slice, Positions, Parameters], Floats]
"""Codes the latents of some channels at some flat positions; returns them as decoded, float32, channel by channel."""


def halves(height: int, width: int) -> tuple[Positions, Positions]:
    """Return the flat positions where row + column is even, and those where it is odd."""
    odd = np.add.outer(np.arange(height), np.arange(width)).ravel() % 2
    return np.flatnonzero(odd == 0), np.flatnonzero(odd)


def code_in_order(networks: Networks, side: Floats, quality: float, code: CodePass) -> Floats:
    """Run every step of the prior and let `code` handle its latents; return all latents, (C, H/16, W/16)."""
    features = networks.hyper_synthesis(side, quality)
    height, width = features.shape[1:]
    latents = np.zeros((networks.latents, height * width), np.float32)
    planes = latents.reshape(-1, height, width)
    even, odd = halves(height, width)
    start = 0
    for group, size in enumerate(networks.groups):
        channels = slice(start, start + size)
        own, mean, log_scale = networks.first(group, features, planes[:start])
        if networks.context:
            _code(code, channels, even, mean, log_scale, latents)
            mean, log_scale = networks.second(group, own, planes[channels])
            _code(code, channels, odd, mean, log_scale, latents)
        else:
            _code(code, channels, np.arange(height * width), mean, log_scale, latents)
        start += size
    return planes


def _code(
    code: CodePass, channels: slice, positions: Positions, mean: Floats, log_scale: Floats, latents: Floats
) -> None:
    """Code one pass and put its values in place."""
    size = len(mean)
    parameters = parameters_of(mean.reshape(size, -1)[:, positions], log_scale.reshape(size, -1)[:, positions])
    flat = Parameters(parameters.rows.ravel(), parameters.means.ravel())
    latents[channels, positions] = code(channels, positions, flat).reshape(size, -1)
