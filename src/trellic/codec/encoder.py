"""Pixels → sections: analysis once a picture, then coding at any quality."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trellic.codec.decoder import z_scale_indices
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.passes import Pass, code_in_order
from trellic.codec.tiles import LATENT, Window
from trellic.container.grid import STRIDE
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import Parameters
from trellic.entropy.rans import Encoder, estimate_bits
from trellic.entropy.states import CdfIndices, Indices, ScaleIndices, walk
from trellic.entropy.tables import ESCAPE_LIMIT, Tables
from trellic.model.networks import Floats, Networks
from trellic.picture.types import Pixels, interleave
from trellic.quantize import Quantizer, QuantizerParameters


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

    def z(self, scale_indices: ScaleIndices, indices: Indices) -> None:
        """Take z."""

    def latents(self, cdf_indices: CdfIndices, indices: Indices, values: Floats, parameters: Parameters) -> None:
        """Take a pass in coding order; `values` is what was quantized."""


class _Writer:
    """Codes what it takes, and adds up what the tables promise."""

    def __init__(self, deployed: DeployedQuantizer) -> None:
        self.deployed = deployed
        self.coder = Encoder()
        self.bits = 0.0

    def z(self, scale_indices: ScaleIndices, indices: Indices) -> None:
        self._put(scale_indices, indices, self.deployed.z_tables)

    def latents(self, cdf_indices: CdfIndices, indices: Indices, values: Floats, parameters: Parameters) -> None:
        del values, parameters
        self._put(cdf_indices, indices, self.deployed.tables)

    def _put(self, cdf_indices: CdfIndices, indices: Indices, tables: Tables) -> None:
        self.coder.push(cdf_indices, indices, tables)
        self.bits += estimate_bits(cdf_indices, indices, tables)


def code(networks: Networks, analysed: Analysed, quality: int, deployed: DeployedQuantizer) -> Coded:
    """Code latents at a quality in 1/256 of a point."""
    writer = _Writer(deployed)
    decoded = quantize_in_order(networks, analysed, quality, deployed, writer)
    return Coded(writer.coder.finish(), writer.bits, decoded)


def quantize_pass(
    quantizer: Quantizer, settings: QuantizerParameters, at: Pass, values: Floats, weights: Floats
) -> tuple[Indices, CdfIndices, int]:
    """Return indices and cdf indices of a pass's latents, and the state after them; all in coding order."""
    indices = quantizer.quantize(values, at.parameters, weights, settings, at.state)
    cdf_indices, state = walk(quantizer.states, at.parameters.scale_indices, indices, at.state)
    return indices, cdf_indices, state


def quantize_in_order(
    networks: Networks, analysed: Analysed, quality: int, deployed: DeployedQuantizer, sink: Sink
) -> Floats:
    """Quantize all latents pass by pass, hand them to `sink`, and return the latents as decoded."""
    fraction = quality / HIGHEST_QUALITY
    settings = deployed.at(quality)
    latents = analysed.latents * networks.gain(fraction)
    channel_weights = networks.weights(fraction)

    z = np.clip(np.rint(networks.hyper_analysis(latents)), -ESCAPE_LIMIT, ESCAPE_LIMIT)
    sink.z(z_scale_indices(networks, fraction, z[0].size), z.astype(np.int32).ravel())

    def code_pass(at: Pass) -> tuple[Indices, CdfIndices, int]:
        values, weights = at.gather(latents[at.channels]), at.spread(channel_weights[at.channels], latents[0].size)
        indices, cdf_indices, state = quantize_pass(deployed.quantizer, settings, at, values, weights)
        sink.latents(cdf_indices, indices, values, at.parameters)
        return indices, cdf_indices, state

    return code_in_order(networks, z, fraction, settings, code_pass)
