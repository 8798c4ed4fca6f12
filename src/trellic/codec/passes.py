"""The order of coding, in one place for the encoder and the decoder: channel groups, each in checkerboard halves."""

from collections.abc import Callable

import numpy as np

from trellic.codec.halves import EVEN, ODD, WHOLE, gather, scatter
from trellic.entropy.parameters import Parameters, parameters_of
from trellic.model.networks import Floats, Networks

CodePass = Callable[[slice, int, Parameters], Floats]
"""Codes a half of some channels' latents; returns them as decoded, in scan order, float32 (n,)."""


def code_in_order(networks: Networks, side: Floats, quality: float, code: CodePass) -> Floats:
    """Run every step of the prior and let `code` handle its latents; return all latents, (C, H/16, W/16)."""
    features = networks.hyper_synthesis(side, quality)
    latents = np.zeros((networks.latents, *features.shape[1:]), np.float32)
    start = 0
    for group, size in enumerate(networks.groups):
        channels = slice(start, start + size)
        planes = latents[channels]
        own, *outputs = networks.first(group, features, latents[:start])
        for half in (EVEN, ODD) if networks.context else (WHOLE,):
            if half == ODD:
                outputs = [*networks.second(group, own, planes)]
            mean, log_scale = (gather(output, half) for output in outputs)
            scatter(code(channels, half, parameters_of(mean, log_scale)), planes, half)
        start += size
    return latents
