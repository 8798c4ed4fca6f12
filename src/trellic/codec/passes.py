"""The order of coding, in one place for the encoder and the decoder: channel groups, each in checkerboard halves.

A pass is coded in raster order, channel by channel, where the quantizer has no memory. A trellis takes the latents of
a pass by falling scale, which a decoder knows as well: neighbours on the path then matter alike.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.codec.halves import EVEN, ODD, WHOLE, Floats, Places, coded_latents
from trellic.entropy.machine import Indices, Machine, Rows
from trellic.entropy.parameters import Parameters
from trellic.entropy.tables import ROWS
from trellic.kernels import kernel
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
        sort: bool,
        state: int,
        decoded: Floats,
    ) -> "Pass":
        """Return the pass over a half of planes (its channels, H, W), by falling scale where `sort` says so.

        The half's latents in `decoded` become their means, which is what those that are not coded stay.
        """
        places, parameters = coded_latents(means, log_scales, half, step, decoded)
        if sort:
            order = coding_order(parameters.rows)
            places, parameters = places[order], Parameters(parameters.rows[order], parameters.means[order])
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


@kernel
def _fill_order(rows, starts, order):  # type: ignore[no-untyped-def]
    for row in rows:
        starts[row] += 1
    at = 0
    for row in range(len(starts) - 1, -1, -1):
        starts[row], at = at, at + starts[row]
    for n in range(len(rows)):
        order[starts[rows[n]]] = n
        starts[rows[n]] += 1


def coding_order(rows: Rows) -> npt.NDArray[np.int32]:
    """Return places in raster order by falling row, equal rows as they were, int32 (n,)."""
    order = np.empty(len(rows), np.int32)
    _fill_order(rows, np.zeros(ROWS, np.int32), order)
    return order


def code_in_order(
    networks: Networks, side: Floats, quality: float, machine: Machine, setting: Setting, code: CodePass
) -> Floats:
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
            at = Pass.of(means, log_scales, channels, half, setting.step, machine.remembers, state, planes)
            indices, table_rows, state = code(at)
            at.put(dequantize(indices, table_rows, at.parameters.means, setting.points, setting.step), planes)
        start += size
    return latents
