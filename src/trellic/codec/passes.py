"""The order of coding, in one place for the encoder and the decoder: channel groups, each in checkerboard halves.

Within a pass, latents are coded channel by channel in raster order. A decoder knows their scales too, but a trellis
that takes them by falling scale comes out behind (docs/results.md, parts of the trellis).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.codec.halves import EVEN, ODD, WHOLE, Floats, Places, coded_latents
from trellic.entropy.machine import Indices, Rows
from trellic.entropy.parameters import Parameters
from trellic.model.networks import Networks
from trellic.quantize import Setting, dequantize


class Pass(NamedTuple):
    """Latents that are coded together, in coding order.

    channels    which, of all latents
    places      int32 (n,): where each lies in planes of (its channels, H, W), laid flat
    parameters  of each
    state       of the machine before the first
    """

    channels: slice
    places: Places
    parameters: Parameters
    state: int

    @classmethod
    def of(
        cls,
        means: Floats,
        log_scales: Floats,
        channels: slice,
        half: int,
        step: int,
        state: int,
        decoded: Floats,
    ) -> "Pass":
        """Return the pass over a half of planes (its channels, H, W).

        The half's latents in `decoded` become their means, which is what those that are not coded stay.
        """
        places, parameters = coded_latents(means, log_scales, half, step, decoded)
        return cls(channels, places, parameters, state)

    def put(self, line: npt.NDArray[Any], planes: npt.NDArray[Any]) -> None:
        """Put values in coding order in their places in planes of (its channels, H, W)."""
        planes.reshape(-1)[self.places] = line

    def gather(self, planes: Floats) -> Floats:
        """Return the pass's values of planes (its channels, H, W) in coding order, (n,)."""
        return planes.reshape(-1)[self.places]

    def spread(self, values: Floats, positions: int) -> Floats:
        """Return its channel's value, of (its channels,), for each latent in coding order; H · W is `positions`."""
        return values[self.places // positions]


CodePass = Callable[[Pass], tuple[Indices, Rows, int]]
"""Codes a pass; returns indices and table rows in coding order, and the machine's state after the last."""


def code_in_order(networks: Networks, side: Floats, quality: float, setting: Setting, code: CodePass) -> Floats:
    """Run every step of the prior and let `code` handle its latents; return all latents, (C, H/16, W/16)."""
    features = networks.hyper_synthesis(side, quality)
    latents = np.zeros((networks.latents, *features.shape[1:]), np.float32)
    start = state = 0
    for group, size in enumerate(networks.groups):
        channels = slice(start, start + size)
        planes = latents[channels]
        own, means, log_scales = networks.first(group, features, latents[:start])
        for half in (EVEN, ODD) if networks.context else (WHOLE,):
            if half == ODD:
                means, log_scales = networks.second(group, own, planes)
            at = Pass.of(means, log_scales, channels, half, setting.step, state, planes)
            indices, table_rows, state = code(at)
            at.put(dequantize(indices, table_rows, at.parameters.means, setting.points, setting.step), planes)
        start += size
    return latents
