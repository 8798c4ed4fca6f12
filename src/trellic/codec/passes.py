"""The order of coding, in one place for the encoder and the decoder: channel groups, each in checkerboard halves.

A pass is coded in raster order, channel by channel, where the quantizer has no memory. A trellis takes the latents of
a pass by falling scale, which a decoder knows as well: neighbours on the path then matter alike.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from trellic.codec.halves import EVEN, ODD, WHOLE, gather, scatter
from trellic.entropy.machine import Indices, Machine, Rows
from trellic.entropy.parameters import Parameters, parameters_of
from trellic.entropy.tables import ROWS
from trellic.model.networks import Floats, Networks
from trellic.quantize import Setting, dequantize

Order = npt.NDArray[np.int32]


class Pass(NamedTuple):
    """Latents that are coded together.

    channels    which, of all latents
    half        of the checkerboard: EVEN, ODD or WHOLE
    order       int32 (n,): the place in raster order of each latent in coding order; None where they are the same
    parameters  in coding order
    state       of the machine before the first
    """

    channels: slice
    half: int
    order: Order | None
    parameters: Parameters
    state: int

    @classmethod
    def of(
        cls, mean: Floats, log_scale: Floats, channels: slice, half: int, step: int, sort: bool, state: int
    ) -> "Pass":
        """Return the pass over a half of the planes of mean and log scale, (its channels, H, W) each."""
        mean, log_scale = gather(mean, half), gather(log_scale, half)
        parameters = parameters_of(mean, log_scale, step)
        if not sort:
            return cls(channels, half, None, parameters, state)
        order = coding_order(parameters.rows)
        return cls(channels, half, order, Parameters(parameters.rows[order], parameters.means[order]), state)

    def put(self, line: npt.NDArray[Any], planes: npt.NDArray[Any]) -> None:
        """Put values in coding order in their places in planes of (its channels, H, W)."""
        if self.order is not None:
            line[self.order] = line.copy()
        scatter(line, planes, self.half)

    def gather(self, planes: Floats) -> Floats:
        """Return the pass's values of planes (its channels, H, W) in coding order, (n,)."""
        line = gather(planes, self.half)
        return line if self.order is None else line[self.order]

    def spread(self, values: Floats) -> Floats:
        """Return its channel's value for each latent in coding order, (n,); values are (its channels,)."""
        line = values.repeat(len(self.parameters.rows) // len(values))
        return line if self.order is None else line[self.order]


CodePass = Callable[[Pass], tuple[Indices, Rows, int]]
"""Codes a pass; returns indices and table rows in coding order, and the machine's state after the last."""


@njit(cache=True, nogil=True)
def _fill_order(rows, starts, order):  # type: ignore[no-untyped-def]
    for row in rows:
        starts[row] += 1
    at = 0
    for row in range(len(starts) - 1, -1, -1):
        starts[row], at = at, at + starts[row]
    for n in range(len(rows)):
        order[starts[rows[n]]] = n
        starts[rows[n]] += 1


def coding_order(rows: Rows) -> Order:
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
        own, *outputs = networks.first(group, features, latents[:start])
        for half in (EVEN, ODD) if networks.context else (WHOLE,):
            if half == ODD:
                outputs = [*networks.second(group, own, planes)]
            mean, log_scale = outputs
            at = Pass.of(mean, log_scale, channels, half, setting.step, machine.remembers, state)
            indices, table_rows, state = code(at)
            at.put(dequantize(indices, table_rows, at.parameters.means, setting.points, setting.step), planes)
        start += size
    return latents
