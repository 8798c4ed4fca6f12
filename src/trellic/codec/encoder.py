"""Pixels → sections: analysis once a picture, then coding at any quality."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trellic.codec.decoder import side_rows
from trellic.codec.passes import Pass, code_in_order
from trellic.codec.quantization import Quantization
from trellic.codec.tiles import LATENT, Window
from trellic.container.grid import STRIDE
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.machine import Indices, Rows, walk
from trellic.entropy.parameters import Parameters
from trellic.entropy.rans import Encoder, estimate_bits
from trellic.entropy.tables import ESCAPE_LIMIT, Tables
from trellic.model.networks import Floats, Networks
from trellic.picture.types import Pixels, interleave
from trellic.quantize import Quantizer, Setting


@dataclass(frozen=True)
class Analysed:
    """Latents of a picture, or a tile, before gains, (C, H/16, W/16), and its size in pixels."""

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
        """Return the picture that a decoder will show where it was coded whole, uint8 (H, W, 3)."""
        planes = networks.synthesis(self.latents, quality / HIGHEST_QUALITY)
        pixels = np.empty((analysed.height, analysed.width, 3), np.uint8)
        interleave(planes[:, : analysed.height, : analysed.width], pixels)
        return pixels


def analyse(networks: Networks, pixels: Pixels) -> Analysed:
    """Return the latents of a picture, uint8 (H, W, 3)."""
    height, width = pixels.shape[:2]
    margins = (0, -height % STRIDE), (0, -width % STRIDE), (0, 0)
    return Analysed(_latents(networks, np.pad(pixels, margins, mode="edge")), width, height)


def analyse_tile(networks: Networks, window: Window) -> Analysed:
    """Return the latents of a tile, whose analysis sees what is around it."""
    own = np.ascontiguousarray(_latents(networks, window.pixels)[:, *window.tile.within(window.around, LATENT)])
    return Analysed(own, window.tile.width, window.tile.height)


def _latents(networks: Networks, pixels: Pixels) -> Floats:
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return networks.analysis(planes.astype(np.float32) / np.float32(255))


class Sink(Protocol):
    """What becomes of quantized latents: written, or counted."""

    def side(self, rows: Rows, indices: Indices) -> None:
        """Take the side information."""

    def latents(self, table_rows: Rows, indices: Indices, line: Floats, parameters: Parameters) -> None:
        """Take a pass in coding order; `line` is what was quantized."""


class _Writer:
    """Codes what it takes, and adds up what the tables promise."""

    def __init__(self, quantization: Quantization) -> None:
        self.quantization = quantization
        self.coder = Encoder()
        self.bits = 0.0

    def side(self, rows: Rows, indices: Indices) -> None:
        self._put(rows, indices, self.quantization.side_tables)

    def latents(self, table_rows: Rows, indices: Indices, line: Floats, parameters: Parameters) -> None:
        del line, parameters
        self._put(table_rows, indices, self.quantization.tables)

    def _put(self, rows: Rows, indices: Indices, tables: Tables) -> None:
        self.coder.push(rows, indices, tables)
        self.bits += estimate_bits(rows, indices, tables)


def code(networks: Networks, analysed: Analysed, quality: int, quantization: Quantization) -> Coded:
    """Code latents at a quality in 1/256 of a point."""
    writer = _Writer(quantization)
    decoded = quantize_in_order(networks, analysed, quality, quantization, writer)
    return Coded(writer.coder.finish(), writer.bits, decoded)


def quantize_pass(
    quantizer: Quantizer, setting: Setting, at: Pass, line: Floats, worth: Floats
) -> tuple[Indices, Rows, int]:
    """Return indices and table rows of a pass's latents, and the state after them; all in coding order."""
    indices = quantizer.quantize(line, at.parameters, worth, setting, at.state)
    table_rows, state = walk(quantizer.machine, at.parameters.rows, indices, at.state)
    return indices, table_rows, state


def quantize_in_order(
    networks: Networks, analysed: Analysed, quality: int, quantization: Quantization, sink: Sink
) -> Floats:
    """Quantize all latents pass by pass, hand them to `sink`, and return the latents as decoded."""
    share = quality / HIGHEST_QUALITY
    setting = quantization.at(quality)
    latents = analysed.latents * networks.gain(share)
    weights = networks.weights(share)

    side = np.clip(np.rint(networks.hyper_analysis(latents)), -ESCAPE_LIMIT, ESCAPE_LIMIT)
    sink.side(side_rows(networks, share, side[0].size), side.astype(np.int32).ravel())

    def code_pass(at: Pass) -> tuple[Indices, Rows, int]:
        line, worth = at.gather(latents[at.channels]), at.spread(weights[at.channels], latents[0].size)
        indices, table_rows, state = quantize_pass(quantization.quantizer, setting, at, line, worth)
        sink.latents(table_rows, indices, line, at.parameters)
        return indices, table_rows, state

    return code_in_order(networks, side, share, setting, code_pass)
