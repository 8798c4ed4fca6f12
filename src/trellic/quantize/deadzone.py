"""Nearest level, but for a zero bin that is wider: residuals that barely reach a level are not worth its bits."""

import numpy as np

from trellic.entropy.machine import Indices
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.tables import ESCAPE_LIMIT
from trellic.kernels import kernel
from trellic.quantize.setting import Latents, Setting


@kernel
def _quantize(latents, means, step, strength, indices):  # type: ignore[no-untyped-def]
    for n in range(len(latents)):
        scaled = (np.float64(latents[n]) * ONE - means[n]) / step
        if abs(scaled) < 0.5 + strength:
            indices[n] = 0
        else:
            indices[n] = min(max(np.rint(scaled), -ESCAPE_LIMIT), ESCAPE_LIMIT)


def quantize(latents: Latents, parameters: Parameters, weights: Latents, setting: Setting, state: int) -> Indices:
    """Return int32 (n,) indices; the strength, in steps, is how far the zero bin reaches beyond half a step."""
    del weights, state
    indices = np.empty(len(latents), np.int32)
    _quantize(latents, parameters.means, setting.step, setting.strength, indices)
    return indices
