"""Coded data → latents."""

from collections.abc import Callable

import numpy as np

from trellic.codec.passes import Pass, code_in_order
from trellic.codec.quantization import Quantization
from trellic.container import Header
from trellic.container.grid import STRIDE, coded
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.machine import Indices, Rows
from trellic.entropy.parameters import rows_of
from trellic.entropy.rans import Decoder
from trellic.entropy.tables import SKIPPED_ROWS
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
    quantization = Quantization.of(networks, quantizer_numbered(header.quantizer))
    coder = Decoder(data)
    share = header.quality / HIGHEST_QUALITY
    shape = (networks.side, -(-header.height // STRIDE), -(-header.width // STRIDE))
    side = coder.pull(side_rows(networks, share, shape[1] * shape[2]), quantization.side_tables)
    see(side)

    def code_pass(at: Pass) -> tuple[Indices, Rows, int]:
        indices, table_rows, state = coder.pull_by(
            quantization.machine, at.parameters.rows, quantization.tables, at.state
        )
        see(indices)
        return indices, table_rows, state

    latents = code_in_order(
        networks, side.astype(np.float32).reshape(shape), share, quantization.read(header.step),
        code_pass,
    )  # fmt: skip
    coder.finish()
    return latents


def side_rows(networks: Networks, quality: float, positions: int) -> Rows:
    """Return the table row of each element of z, channel by channel; none is skipped."""
    return np.maximum(rows_of(networks.side_log_scales(quality)), SKIPPED_ROWS).repeat(positions)
