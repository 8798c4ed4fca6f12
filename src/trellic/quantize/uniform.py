"""Nearest level: the quantizer that every other is measured against."""

import numpy as np

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import Indices
from trellic.entropy.tables import ESCAPE_LIMIT
from trellic.kernels import kernel
from trellic.quantize.settings import Latents, QuantizerParameters


@kernel
def _quantize(latents, means, step, indices):  # type: ignore[no-untyped-def]
    for n in range(len(latents)):
        nearest = np.rint((np.float64(latents[n]) * ONE - means[n]) / step)
        indices[n] = min(max(nearest, -ESCAPE_LIMIT), ESCAPE_LIMIT)


def quantize(
    latents: Latents, parameters: Parameters, weights: Latents, settings: QuantizerParameters, state: int
) -> Indices:
    """Return the nearest index of each residual, int32 (n,); of the rest only the step matters."""
    del weights, state
    indices = np.empty(len(latents), np.int32)
    _quantize(latents, parameters.means, settings.step, indices)
    return indices
