"""Stream → the latents that features are made of: z and a group and a half of y of the whole picture; no pixels.

Units that are coded exactly have none: their pixels are analysed. Streams in layers are decoded as
far as they go. A file of one tile may be cut off anywhere after the first groups; nothing then proves what it has.
"""

from typing import NamedTuple

import numpy as np

from trellic.codec.analysis import analyse
from trellic.codec.decoder import decode_latents
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import quantize_in_order
from trellic.codec.extent import Extent
from trellic.codec.picture_decoder import unit_decoder
from trellic.codec.resources import Resources
from trellic.codec.units import DecodedUnit
from trellic.codec.view import View
from trellic.container import SectionType, Stream
from trellic.entropy.rans import Decoder
from trellic.errors import DamagedStream, IncompleteStream
from trellic.machine.network import BASE_GROUPS
from trellic.model import Model, Sessions
from trellic.model.model import Floats
from trellic.picture.types import Pixels
from trellic.quantize import quantizer_numbered

BASE = Extent(BASE_GROUPS, half=True, predicted=BASE_GROUPS)
"""The second half of the last group would take nearly as many bytes as the first, and its means show nearly as much."""


class BaseLatents(NamedTuple):
    """What features are made of: y (channels of the first groups, H/16, W/16) and z (C, H/64, W/64), float32."""

    y: Floats
    z: Floats


def read_base(stream: Stream, resources: Resources) -> BaseLatents:
    """Return the latents of a stream's picture, extended to multiples of 64 pixels.

    Raises DamagedStream, UnsupportedStream or IncompleteStream.
    """
    sessions, grid, model = resources.sessions, stream.header.grid, resources.sessions.model
    stream = stream.of_groups(BASE_GROUPS)
    if grid.tiles == 1 and stream.units[0].coded.type == SectionType.LATENTS and not stream.is_whole(0):
        return _read_cut(stream, sessions)
    box, strides = grid.picture, {name: variable.stride for name, variable in model.schedule.variables.items()}
    channels = {"y": base_channels(model), "z": model.schedule.variables["z"].channels}
    found = BaseLatents(*(
        np.zeros((channels[name], box.height // strides[name], box.width // strides[name]), np.float32)
        for name in BaseLatents._fields
    ))  # fmt: skip
    decode = unit_decoder(stream, resources, View(BASE))
    for row in range(grid.rows):
        for number, unit in zip(grid.row(row), decode(grid.row(row)), strict=True):
            own = _base_of(unit, sessions, stream.header.quality)
            for name, planes in own._asdict().items():
                getattr(found, name)[:, *grid.tile(number).within(box, strides[name])] = planes
    return found


def base_channels(model: Model) -> int:
    """Return how many channels of y the first groups have."""
    return model.schedule.groups[BASE_GROUPS - 1].stop


def base_of_pixels(
    sessions: Sessions, pixels: Pixels, quality: int, deployed: DeployedQuantizer | None = None
) -> BaseLatents:
    """Return the latents of pixels, uint8 (H, W, 3), as a decoder has them, or as the analysis gives them."""
    analysed = analyse(sessions, pixels, quality)
    found = analysed.targets
    if deployed:
        found = quantize_in_order(sessions, analysed, deployed, lambda *_: None, BASE)
    return BaseLatents(found["y"][: base_channels(sessions.model)], found["z"])


def _base_of(unit: DecodedUnit, sessions: Sessions, quality: int) -> BaseLatents:
    if unit.latents is not None and unit.z is not None:
        return BaseLatents(unit.latents[: base_channels(sessions.model)], unit.z)
    assert unit.pixels is not None
    return base_of_pixels(sessions, unit.pixels, quality)


def _read_cut(stream: Stream, sessions: Sessions) -> BaseLatents:
    """Return the latents of a stream of one tile, of whose latents only the front is there."""
    header, tile = stream.header, stream.header.grid.tile(0)
    deployed = DeployedQuantizer.of(sessions.model, quantizer_numbered(header.quantizer))
    try:
        coder = Decoder(stream.read_front(0), cut=True)
        step = deployed.step_at(header.quality)
        found = decode_latents(
            sessions, coder, tile.height, tile.width, header.quality, deployed, step, extent=BASE
        )  # fmt: skip
    except DamagedStream as error:
        raise IncompleteStream("cut off before the end of what features are made of") from error
    return BaseLatents(found["y"][: base_channels(sessions.model)], found["z"])
