"""Pixels → coded data: analysis at a quality, then the passes of the schedule, quantized and range coded."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trellic.codec.coding import Arrays, Coding, Pass, Skipped, empty_variables, no_passes, run, scalar
from trellic.codec.decoder import synthesize
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.extent import EVERY_GROUP, Extent, follow
from trellic.codec.ring import Ring, arrays_of
from trellic.codec.tiles import Window
from trellic.codec.visibility import PSNR, SSIMULACRA2, visibility
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.bits import estimate_bits
from trellic.entropy.correction import correct
from trellic.entropy.rans import Encoder
from trellic.entropy.states import CdfIndices, Indices, States, walk
from trellic.errors import DamagedModel
from trellic.model import Sessions
from trellic.model.model import Floats
from trellic.picture.types import Pixels, interleave
from trellic.quantize import Quantizer, QuantizerParameters, quantizer_named

Seen = Callable[[Pass, Indices, CdfIndices, Floats], None]
"""Takes a pass, its indices and cdf indices in coding order, and the values that were quantized."""


@dataclass(frozen=True)
class Analysed:
    """A picture, or a tile, before quantization, at one quality of 0 to 25600.

    targets     variables by name
    weights     what a squared error in each channel of y is worth, (C, 1, 1)
    around      y of the tile with its surroundings
    visibility  what a squared error at each position of y is worth, (H, W)
    ring        what a block's prediction sees of its neighbours; None where it is no block
    skipped     blocks of 64×64 pixels of which nothing is coded, uint8 (H/64, W/64); None for no such blocks
    """

    targets: dict[str, Floats]
    weights: Floats
    around: Floats
    visibility: Floats
    quality: int
    width: int
    height: int
    ring: Ring | None = None
    skipped: Skipped | None = None


@dataclass(frozen=True)
class Coded:
    """Coded variables.

    estimated_bits  what the tables promised
    decoded         the variables as a decoder has them
    ends            how many bytes are read for the first groups: of one, of two and so on, but not of all
    """

    data: bytes
    estimated_bits: float
    decoded: dict[str, Floats]
    ends: tuple[int, ...] = ()


def analyse(sessions: Sessions, pixels: Pixels, quality: int) -> Analysed:
    """Return the variables of a picture, uint8 (H, W, 3), at a quality in 1/256 of a point. Raises DamagedModel.

    The picture is continued at the right and below to multiples of the model's stride.
    """
    model = sessions.model
    stride = model.schedule.stride
    height, width = pixels.shape[:2]
    padded = np.pad(pixels, ((0, -height % stride), (0, -width % stride), (0, 0)), mode="edge")
    picture = np.ascontiguousarray(padded.transpose(2, 0, 1)).astype(np.float32) / np.float32(255)
    values = Arrays(picture=picture, quality=scalar(quality / HIGHEST_QUALITY))
    run(model.schedule.encode, sessions.run, values, no_passes)
    targets = {}
    for name, empty in empty_variables(model, *picture.shape[1:]).items():
        found = values.by_name.get(name)
        if found is None or found.shape != empty.shape or not np.isfinite(found).all():
            raise DamagedModel(f"model {model.name}: its analysis gives no {name}, or numbers that are not finite")
        targets[name] = found
    latents, weights = targets["y"], model.weights(quality / HIGHEST_QUALITY)[:, None, None]
    return Analysed(targets, weights, latents, np.ones(latents.shape[1:], np.float32), quality, width, height)


def analyse_tile(sessions: Sessions, window: Window, quality: int, tune: str = PSNR) -> Analysed:
    """Return the variables of a tile, whose analysis sees its surroundings, at a quality in 1/256 of a point.

    tune  the measure that errors are weighed for
    The window's margins are multiples of the model's stride.
    """
    whole = analyse(sessions, window.pixels, quality)
    strides = {name: one.stride for name, one in sessions.model.schedule.variables.items()}
    boxes = {name: window.tile.within(window.around, stride) for name, stride in strides.items()}
    own = {name: np.ascontiguousarray(planes[:, *boxes[name]]) for name, planes in whole.targets.items()}
    seen = whole.visibility[boxes["y"]]
    if tune == SSIMULACRA2:
        seen = visibility(window.pixels[window.tile.within(window.around)], strides["y"])
    return Analysed(own, whole.weights, whole.around, seen, quality, window.tile.width, window.tile.height)


def unseen(at: Pass, indices: Indices, cdf_indices: CdfIndices, values: Floats) -> None:
    """Take no notice of a pass."""


def encode_latents(
    sessions: Sessions,
    analysed: Analysed,
    deployed: DeployedQuantizer,
    see: Seen = unseen,
    coder: Encoder | None = None,
) -> Coded:
    """Quantize and code the variables of a picture or tile, and show every pass to `see`.

    coder  may hold what goes before them
    """
    coder, bits = coder or Encoder(single=analysed.ring is not None), 0.0
    last_of_groups = sessions.model.schedule.groups[:-1]

    def push(at: Pass, indices: Indices, cdf_indices: CdfIndices, values: Floats) -> None:
        nonlocal bits
        tables = deployed.tables_of(at.step.tables)
        coder.push(cdf_indices, indices, tables)
        bits += estimate_bits(cdf_indices, indices, tables)
        see(at, indices, cdf_indices, values)
        if at.step in last_of_groups:
            coder.mark()

    decoded = quantize_in_order(sessions, analysed, deployed, push)
    data = coder.finish()
    return Coded(data, bits, decoded, tuple(coder.marked))


def quantize_in_order(
    sessions: Sessions, analysed: Analysed, deployed: DeployedQuantizer, see: Seen, extent: Extent = EVERY_GROUP
) -> dict[str, Floats]:
    """Quantize variables pass by pass, show every pass to `see`, and return the variables as decoded.

    extent  how much is quantized
    """
    model, quality = sessions.model, analysed.quality / HIGHEST_QUALITY
    rounding, weights = quantizer_named("uniform"), analysed.weights * analysed.visibility

    def code(at: Pass, states: States, parameters: QuantizerParameters) -> tuple[Indices, CdfIndices, int]:
        planes = analysed.targets[at.step.variable][at.step.channels]
        values = at.gather(planes)
        if at.step.quantizer == "rounding":
            quantizer, spread = rounding, np.ones(len(values), np.float32)
        else:
            quantizer, spread = deployed.quantizer, at.gather(weights[at.step.channels])
        indices, cdf_indices, state = quantize_pass(quantizer, parameters, at, values, spread)
        see(at, indices, cdf_indices, values)
        return indices, cdf_indices, state

    empty = {name: np.zeros_like(one) for name, one in analysed.targets.items()}
    values = arrays_of(model, analysed.ring, quality=scalar(quality), **empty)
    coding = Coding(model, deployed, deployed.at(analysed.quality), quality, values, code, analysed.skipped)
    follow(model.schedule, extent, sessions.run, values, coding)
    return {name: values.by_name[name] for name in analysed.targets}


def quantize_pass(
    quantizer: Quantizer, parameters: QuantizerParameters, at: Pass, values: Floats, weights: Floats
) -> tuple[Indices, CdfIndices, int]:
    """Return indices and cdf indices of a pass's latents, and the state after them; all in coding order."""
    indices = quantizer.quantize(values, at.parameters, weights, parameters, at.state)
    cdf_indices, state = walk(quantizer.states, at.parameters.scale_indices, indices, at.state)
    return indices, correct(at.correction, cdf_indices, indices) if at.correction else cdf_indices, state


def reconstruct(sessions: Sessions, coded: Coded, analysed: Analysed) -> Pixels:
    """Return the picture that a decoder will show where it was coded whole, uint8 (H, W, 3)."""
    planes = synthesize(sessions, coded.decoded, analysed.quality)
    pixels = np.empty((analysed.height, analysed.width, 3), np.uint8)
    interleave(planes[:, : analysed.height, : analysed.width], pixels)
    return pixels
