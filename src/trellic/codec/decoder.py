"""Coded data → latents."""

from collections.abc import Callable

import numpy as np

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.passes import Pass, code_in_order
from trellic.container import Header
from trellic.container.grid import STRIDE, coded
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import scale_indices_of
from trellic.entropy.rans import Decoder
from trellic.entropy.states import CdfIndices, Indices, ScaleIndices
from trellic.entropy.tables import SKIPPED_SCALES
from trellic.model.networks import Floats, Networks
from trellic.picture.types import check_size
from trellic.quantize import quantizer_numbered

Seen = Callable[[Indices], None]
"""Takes a pass's indices in coding order."""


def unseen(indices: Indices) -> None:
    """Take no notice of indices."""


def check_coded_size(width: int, height: int, limit: int) -> None:
    """Raise PictureTooLarge where a picture as it is coded, continued to multiples of 64, has more pixels than `limit`.

    A strip one pixel wide costs as much as one of 64. The smallest size that can be coded is always accepted.
    """
    check_size(coded(width), coded(height), max(limit, STRIDE**2))


def decode_latents(networks: Networks, header: Header, data: bytes, see: Seen = unseen) -> Floats:
    """Return the latents of a stream, (C, H/16, W/16), and show every pass's indices to `see` in coding order.

    Raises DamagedStream or UnsupportedStream.
    """
    deployed = DeployedQuantizer.of(networks, quantizer_numbered(header.quantizer))
    coder = Decoder(data)
    quality = header.quality / HIGHEST_QUALITY
    shape = (networks.z_channels, -(-header.height // STRIDE), -(-header.width // STRIDE))
    z = coder.pull(z_scale_indices(networks, quality, shape[1] * shape[2]), deployed.z_tables)
    see(z)

    def code_pass(at: Pass) -> tuple[Indices, CdfIndices, int]:
        indices, cdf_indices, state = coder.pull_by(
            deployed.states, at.parameters.scale_indices, deployed.tables, at.state
        )
        see(indices)
        return indices, cdf_indices, state

    latents = code_in_order(
        networks, z.astype(np.float32).reshape(shape), quality, deployed.read(header.step),
        code_pass,
    )  # fmt: skip
    coder.finish()
    return latents


def z_scale_indices(networks: Networks, quality: float, positions: int) -> ScaleIndices:
    """Return the scale index of each element of z, channel by channel; none is skipped."""
    return np.maximum(scale_indices_of(networks.z_log_scales(quality)), SKIPPED_SCALES).repeat(positions)
