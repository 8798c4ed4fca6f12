"""Nearest level, but for a zero bin that is wider: residuals that barely reach a level are not worth its bits."""

import numpy as np

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import Indices
from trellic.entropy.tables import ESCAPE_LIMIT
from trellic.kernels import kernel
from trellic.quantize.settings import Latents, QuantizerParameters


@kernel
def _quantize(latents, means, step, rate_weight, indices):  # type: ignore[no-untyped-def]
    for n in range(len(latents)):
        scaled = (np.float64(latents[n]) * ONE - means[n]) / step
        if abs(scaled) < 0.5 + rate_weight:
            indices[n] = 0
        else:
            indices[n] = min(max(np.rint(scaled), -ESCAPE_LIMIT), ESCAPE_LIMIT)


def quantize(
    latents: Latents, parameters: Parameters, weights: Latents, settings: QuantizerParameters, state: int
) -> Indices:
    """Return int32 (n,) indices; the rate weight is how far the zero bin reaches beyond half a step, in steps."""
    del weights, state
    indices = np.empty(len(latents), np.int32)
    _quantize(latents, parameters.means, settings.step, settings.rate_weight, indices)
    return indices
