"""The order of coding, in one place for the encoder and the decoder: channel groups, each as anchors and non-anchors.

Within a pass, latents are coded channel by channel in raster order. A decoder knows their scales too, but a trellis
that takes them by falling scale comes out behind (docs/results.md, parts of the trellis).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.codec.positions import ALL, ANCHORS, NON_ANCHORS, Floats, Positions, coded_positions
from trellic.entropy.parameters import Parameters
from trellic.entropy.states import CdfIndices, Indices
from trellic.model.networks import Networks
from trellic.quantize import QuantizerParameters, dequantize


class Pass(NamedTuple):
    """Latents that are coded together, in coding order.

    channels    which, of all latents
    positions   int32 (n,): where each lies in planes of (its channels, H, W), laid flat
    parameters  of each
    state       of the trellis before the first
    """

    channels: slice
    positions: Positions
    parameters: Parameters
    state: int

    @classmethod
    def of(
        cls,
        means: Floats,
        log_scales: Floats,
        channels: slice,
        mask: int,
        step: int,
        state: int,
        decoded: Floats,
    ) -> "Pass":
        """Return the pass over the positions of a mask in planes (its channels, H, W).

        Its latents in `decoded` become their means, which is what those that are not coded stay.
        """
        positions, parameters = coded_positions(means, log_scales, mask, step, decoded)
        return cls(channels, positions, parameters, state)

    def put(self, values: npt.NDArray[Any], planes: npt.NDArray[Any]) -> None:
        """Put values in coding order at their positions in planes of (its channels, H, W)."""
        planes.reshape(-1)[self.positions] = values

    def gather(self, planes: Floats) -> Floats:
        """Return the pass's values of planes (its channels, H, W) in coding order, (n,)."""
        return planes.reshape(-1)[self.positions]

    def spread(self, values: Floats, plane_size: int) -> Floats:
        """Return its channel's value, of (its channels,), for each latent in coding order; `plane_size` is H · W."""
        return values[self.positions // plane_size]


CodePass = Callable[[Pass], tuple[Indices, CdfIndices, int]]
"""Codes a pass; returns indices and cdf indices in coding order, and the trellis state after the last."""


def code_in_order(
    networks: Networks, z: Floats, quality: float, settings: QuantizerParameters, code: CodePass
) -> Floats:
    """Run every step of the prior and let `code` handle its latents; return all latents, (C, H/16, W/16)."""
    features = networks.hyper_synthesis(z, quality)
    latents = np.zeros((networks.latents, *features.shape[1:]), np.float32)
    start = state = 0
    for group, size in enumerate(networks.groups):
        channels = slice(start, start + size)
        planes = latents[channels]
        own, means, log_scales = networks.first(group, features, latents[:start])
        for mask in (ANCHORS, NON_ANCHORS) if networks.context else (ALL,):
            if mask == NON_ANCHORS:
                means, log_scales = networks.second(group, own, planes)
            at = Pass.of(means, log_scales, channels, mask, settings.step, state, planes)
            indices, cdf_indices, state = code(at)
            at.put(dequantize(indices, cdf_indices, at.parameters.means, settings.offsets, settings.step), planes)
        start += size
    return latents
