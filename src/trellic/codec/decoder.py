"""Sections → pixels."""

import numpy as np

from trellic.codec.passes import code_in_order
from trellic.codec.quantization import Quantization
from trellic.container.header import HIGHEST_QUALITY, Header
from trellic.entropy.parameters import Parameters, rows_of
from trellic.entropy.rans import Decoder, Rows
from trellic.entropy.tables import SKIPPED_ROWS
from trellic.image import Pixels
from trellic.model.networks import Floats, Networks
from trellic.quantize import quantizer_numbered

STRIDE = 64
"""Pictures are continued to multiples of this, the pixels that one element of z covers."""


def decode_latents(networks: Networks, header: Header, data: bytes) -> Floats:
    """Return the latents of a stream, (C, H/16, W/16). Raises DamagedStream or UnsupportedStream."""
    quantization = Quantization.of(networks, quantizer_numbered(header.quantizer), header.step)
    tables = quantization.tables
    coder = Decoder(data)
    share = header.quality / HIGHEST_QUALITY
    shape = (networks.side, -(-header.height // STRIDE), -(-header.width // STRIDE))
    side = coder.pull(side_rows(networks, share, shape[1] * shape[2]), tables).astype(np.float32).reshape(shape)

    def code_pass(channels: slice, half: int, parameters: Parameters) -> Floats:
        return quantization.dequantize(coder.pull(parameters.rows, tables), parameters)

    latents = code_in_order(networks, side, share, code_pass)
    coder.finish()
    return latents


def side_rows(networks: Networks, quality: float, positions: int) -> Rows:
    """Return the table row of each element of z, channel by channel; none is skipped."""
    return np.maximum(rows_of(networks.side_log_scales(quality)), SKIPPED_ROWS).repeat(positions)


def synthesize(networks: Networks, latents: Floats, quality: int, width: int, height: int) -> Pixels:
    """Return the picture of latents without its padding, uint8 (H, W, 3); quality in 1/256 of a point."""
    planes = networks.synthesis(latents, quality / HIGHEST_QUALITY)
    pixels = np.empty((height, width, 3), np.uint8)
    for channel in range(3):  # three strided copies: quicker than one transposed
        pixels[:, :, channel] = planes[channel, :height, :width]
    return pixels
