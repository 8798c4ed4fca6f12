"""A stream → its picture, a region of it, or the tiles that are there."""

import warnings
from collections.abc import Callable, Iterator, Sequence

from trellic.codec.resources import Resources
from trellic.codec.strips import StripDecoder, shown_grid
from trellic.codec.units import DecodedUnit, decode_unit, grey_unit
from trellic.codec.view import FULL, View
from trellic.container import Box, Stream
from trellic.errors import BadRequest, IncompleteStream
from trellic.model import Sessions
from trellic.picture.metadata import Metadata
from trellic.picture.payloads import unpack_metadata
from trellic.picture.types import Strips

Region = tuple[int, int, int, int]
"""x, y, width and height in pixels."""
MOST_HELD = 1 << 24
"""Pixels of the tiles whose latents are held at a time, about, however wide a picture is: some 5 bytes a pixel."""


class PartsMissing(UserWarning):
    """A stream is cut off, and some of its tiles are shown grey."""


def show(stream: Stream, resources_for: Callable[[int], Resources], crop: Region | None, view: View = FULL) -> Strips:
    """Return the picture of a stream, or a region of it, each strip decoded when it is asked for.

    resources_for  returns the sessions and threads for a number of tiles
    view           how much is decoded, and at what scale it is shown
    Raises DamagedStream, UnsupportedStream, IncompleteStream or BadRequest, also while strips are taken.
    """
    header, region = stream.header, _box(stream, crop)
    whole = [stream.is_whole(number) for number in header.grid.touching(region)]
    if not any(whole):
        raise IncompleteStream("cut off: no tile of it is whole")
    if not all(whole):
        warnings.warn(f"{whole.count(False)} of {len(whole)} tiles are missing, shown grey", PartsMissing, stacklevel=3)
    if crop is None:
        stream.prove()
    resources = resources_for(min(header.grid.at_once, len(list(shown_grid(header.grid).touching(region)))))

    def decode(number: int, payloads: Sequence[bytes]) -> DecodedUnit:
        return decode_unit(resources.sessions, stream, number, payloads, view=view)

    def decode_all(numbers: Sequence[int]) -> Iterator[DecodedUnit]:
        there = [number for number in numbers if stream.is_whole(number)]
        payloads = zip(there, stream.read_units(there), strict=True)
        decoded = resources.workers.map(lambda each: decode(*each), payloads)
        for number in numbers:
            yield next(decoded) if stream.is_whole(number) else grey_unit(stream, number, view.scale)

    strips = StripDecoder(resources, header, decode_all, region, view, MOST_HELD)
    region = strips.region
    has_alpha = stream.has_alpha
    shown = ((pixels, alpha if has_alpha else None) for pixels, alpha in strips.strips())
    width, height = region.width // view.scale, region.height // view.scale
    return Strips(width, height, header.grey, has_alpha, metadata_of(stream), len(strips.rows), shown)


def indices_of(sessions: Sessions, stream: Stream, number: int) -> bytes:
    """Return a tile's indices in coding order, 32-bit little-endian, or its samples where it is exact.

    Raises DamagedStream, UnsupportedStream or IncompleteStream.
    """
    seen: list[bytes] = []
    payloads = stream.read_units([number])[0]
    unit = decode_unit(sessions, stream, number, payloads, lambda indices: seen.append(indices.astype("<i4").tobytes()))
    return unit.pixels.tobytes() if unit.pixels is not None else b"".join(seen)


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
