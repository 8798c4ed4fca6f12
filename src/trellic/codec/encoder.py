"""Pixels → sections: analysis once a picture, then coding at any quality."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trellic.codec.decoder import STRIDE, side_rows, synthesize
from trellic.codec.halves import gather
from trellic.codec.passes import code_in_order
from trellic.codec.quantization import Quantization
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import Parameters
from trellic.entropy.rans import Encoder, Indices, Rows, estimate_bits
from trellic.entropy.tables import ESCAPE_LIMIT
from trellic.image import Pixels
from trellic.model.networks import Floats, Networks


@dataclass(frozen=True)
class Analysed:
    """A picture's latents before gains, (C, H/16, W/16), and its size in pixels."""

    latents: Floats
    width: int
    height: int


@dataclass(frozen=True)
class Coded:
    """Coded latents: their bytes, the bits that the tables promised, and the latents that a decoder will have."""

    data: bytes
    estimated_bits: float
    latents: Floats

    def reconstruct(self, networks: Networks, quality: int, analysed: Analysed) -> Pixels:
        """Return the picture that a decoder will show, uint8 (H, W, 3)."""
        return synthesize(networks, self.latents, quality, analysed.width, analysed.height)


def analyse(networks: Networks, pixels: Pixels) -> Analysed:
    """Return the latents of a picture, uint8 (H, W, 3)."""
    height, width = pixels.shape[:2]
    margins = (0, -height % STRIDE), (0, -width % STRIDE)
    planes = np.pad(pixels.transpose(2, 0, 1), ((0, 0), *margins), mode="edge")
    return Analysed(networks.analysis(planes.astype(np.float32) / np.float32(255)), width, height)


def code(networks: Networks, analysed: Analysed, quality: int, quantization: Quantization) -> Coded:
    """Code latents at a quality in 1/256 of a point."""
    tables = quantization.tables
    coder = Encoder()
    bits = 0.0

    def put(rows: Rows, indices: Indices) -> None:
        nonlocal bits
        coder.push(rows, indices, tables)
        bits += estimate_bits(rows, indices, tables)

    decoded = quantize_in_order(networks, analysed, quality, quantization, put)
    return Coded(coder.finish(), bits, decoded)


def quantize_in_order(
    networks: Networks,
    analysed: Analysed,
    quality: int,
    quantization: Quantization,
    put: Callable[[Rows, Indices], None],
) -> Floats:
    """Quantize all latents pass by pass, hand rows and indices to `put`, and return the latents as decoded."""
    share = quality / HIGHEST_QUALITY
    latents = analysed.latents * networks.gain(share)

    side = np.clip(np.rint(networks.hyper_analysis(latents)), -ESCAPE_LIMIT, ESCAPE_LIMIT)
    put(side_rows(networks, share, side[0].size), side.astype(np.int32).ravel())

    def code_pass(channels: slice, half: int, parameters: Parameters) -> Floats:
        indices = quantization.quantize(gather(latents[channels], half), parameters)
        put(parameters.rows, indices)
        return quantization.dequantize(indices, parameters)

    return code_in_order(networks, side, share, code_pass)
