"""A stream → its picture, a region of it, or the tiles that are there."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from trellic.codec.blocks import BlockDecoder, Payloads
from trellic.codec.extent import Extent
from trellic.codec.resources import Resources
from trellic.codec.ring import Ring
from trellic.codec.store import DecodeUnits
from trellic.codec.strips import HUGE, LARGEST_SHOWN, StripDecoder, shown_grid
from trellic.codec.units import DecodedUnit, decode_unit, grey_unit
from trellic.codec.view import FULL, View
from trellic.container import Box, Header, Stream
from trellic.container.restoration import read_weights, write_weights
from trellic.entropy.states import Indices
from trellic.errors import BadRequest, IncompleteStream
from trellic.picture.metadata import Metadata
from trellic.picture.payloads import unpack_metadata
from trellic.picture.types import Part, Pixels, Strips
from trellic.picture.vips import give_back_freed_memory

Region = tuple[int, int, int, int]
"""x, y, width and height in pixels."""
MOST_HELD = 3 << 22
"""Pixels of a row of tiles whose latents are held, and of the one below, 5 bytes each; wider ones come in parts."""


class PartsMissing(UserWarning):
    """A stream is cut off, and some of its tiles are shown grey, or from fewer groups or layers."""


def show(stream: Stream, resources_for: Callable[[int], Resources], crop: Region | None, view: View = FULL) -> Strips:
    """Return the picture of a stream, or a region of it, each strip decoded when it is asked for.

    resources_for  returns the sessions and threads for a number of tiles
    view           how much is decoded, and at what scale it is shown
    Raises DamagedStream, UnsupportedStream, IncompleteStream or BadRequest, also while strips are taken.
    """
    grid, region, groups = stream.header.grid, _box(stream, crop), view.extent.groups
    read = stream.of_groups(groups)
    missing, rough = _missing(stream, read, list(grid.touching(region)))
    if stream.layers and groups is not None and view.scale == 1:
        raise BadRequest("a stream in layers has no groups that could be decoded alone; fewer layers can")
    if crop is None and read is stream:  # what is read of prefixes is proven then, once: it may lie far away
        stream.prove()
    if grid.width * grid.height > HUGE or grid.tile_width * grid.tile_height > LARGEST_SHOWN:
        give_back_freed_memory()
    worked_on = grid if grid.predicted else shown_grid(grid)
    resources = resources_for(min(grid.at_once, len(list(worked_on.touching(region)))))
    decode = unit_decoder(read, resources, view)

    def decode_part(number: int) -> DecodedUnit:
        if number not in rough:
            return grey_unit(stream, number, view.scale)
        first = view._replace(extent=Extent(rough[number]))
        (unit,) = unit_decoder(stream.of_groups(rough[number]), resources, first)([number])
        return unit

    def decode_all(numbers: Sequence[int]) -> Iterator[DecodedUnit]:
        decoded = iter(decode([number for number in numbers if number not in missing]))
        for number in numbers:
            yield decode_part(number) if number in missing else next(decoded)

    header = _header_without(stream, rough)
    strips = StripDecoder(resources.showing(stream), header, decode_all, region, view, MOST_HELD)
    region, scale, has_alpha = strips.region, view.scale, stream.has_alpha

    def part_of(shown: tuple[Box, Pixels, Pixels]) -> Part:
        box, pixels, alpha = shown
        left, top = (box.left - region.left) // scale, (box.top - region.top) // scale
        return Part(left, top, pixels, alpha if has_alpha else None)

    width, height = region.width // scale, region.height // scale
    parts = map(part_of, strips.parts())
    return Strips(width, height, header.grey, has_alpha, metadata_of(stream), strips.count, parts)


def _missing(stream: Stream, read: Stream, shown: Sequence[int]) -> tuple[set[int], dict[int, int]]:
    """Return which shown tiles are not whole, and the groups that are there of those that have any; warn of them.

    read  the stream as far as it is wanted
    Raises IncompleteStream where no tile can be shown.
    """
    missing = {number for number in shown if not read.is_whole(number)}
    rough = {number: fewer for number in missing if (fewer := stream.groups_of(number))}
    if len(missing) == len(shown) and not rough:
        raise IncompleteStream("cut off: no tile of it is whole")
    if rough:
        warnings.warn("a tile is cut: shown from its first groups of latents", PartsMissing, stacklevel=4)
    if len(missing) > len(rough):
        grey = f"{len(missing) - len(rough)} of {len(shown)} tiles are missing, shown grey"
        warnings.warn(grey, PartsMissing, stacklevel=4)
    elif any(stream.units[number].cut for number in shown):
        cut = f"layer {stream.layer_count + 1} is cut: shown as far as it goes, and nothing proves it"
        warnings.warn(cut, PartsMissing, stacklevel=4)
    return missing, rough


def _header_without(stream: Stream, rough: Mapping[int, int]) -> Header:
    """Return a stream's header without weights of restoration for what is not there as it was restored."""
    header, grid = stream.header, stream.header.grid
    if not stream.has_all_layers:
        return stream.unrestored().header
    if not rough or grid.predicted:
        return header
    weights = enumerate(read_weights(header.restoration, grid.tiles))
    return replace(header, restoration=write_weights([None if n in rough else one for n, one in weights]))


def unit_decoder(
    stream: Stream, resources: Resources, view: View = FULL, see: Callable[[int, Indices], None] = lambda *_: None
) -> DecodeUnits:
    """Return what decodes tiles of a stream by their numbers, which rise.

    see  takes a tile's number and the indices of its latents, pass by pass
    """

    def decode(rings: Mapping[int, Ring | None], payloads: Payloads) -> Iterator[DecodedUnit]:
        def one(number: int) -> DecodedUnit:
            seen = partial(see, number)
            found, ring = payloads[number], rings[number]
            return decode_unit(resources.sessions, stream, number, found, seen, view, ring, resources.coarse)

        return resources.workers.map(one, rings)

    if stream.header.grid.predicted:
        return BlockDecoder(stream.header.grid, stream.read_units, decode)
    return lambda numbers: decode(dict.fromkeys(numbers), dict(zip(numbers, stream.read_units(numbers), strict=True)))


def all_indices(stream: Stream, resources: Resources) -> Iterator[bytes]:
    """Yield the indices of each tile in coding order, 32-bit little-endian, or its samples where it is exact.

    Raises DamagedStream, UnsupportedStream or IncompleteStream.
    """
    seen: dict[int, list[bytes]] = {}
    grid = stream.header.grid

    def see(number: int, indices: Indices) -> None:
        seen.setdefault(number, []).append(indices.astype("<i4").tobytes())

    decode = unit_decoder(stream, resources, see=see)
    for row in range(grid.rows):
        for number, unit in zip(grid.row(row), decode(grid.row(row)), strict=True):
            yield unit.pixels.tobytes() if unit.pixels is not None else b"".join(seen.pop(number))


def metadata_of(stream: Stream) -> Metadata:
    """Return the metadata of a stream. Raises DamagedStream or IncompleteStream."""
    entries = stream.metadata
    return unpack_metadata(dict(zip(entries, stream.read_all(list(entries.values())), strict=True)))


def _box(stream: Stream, crop: Region | None) -> Box:
    """Return a region of a stream's picture as a box. Raises BadRequest."""
    picture = stream.header.grid.shown
    if crop is None:
        return picture
    left, top, width, height = crop
    box = Box(left, top, left + width, top + height)
    if min(width, height) < 1 or box.common(picture) != box:
        raise BadRequest(f"region {left},{top},{width},{height} is not within {picture.width}×{picture.height}")
    return box
