"""Metadata as bytes: what a stream carries besides samples."""

import zlib
from collections.abc import Mapping

from trellic.container import SectionType
from trellic.container.bytes import Reader, varint
from trellic.errors import BadRequest, DamagedStream
from trellic.picture.metadata import ColourSpace, Metadata

METADATA_LIMIT = 1 << 24
HIGHEST_RESOLUTION = 1 << 24
"""In hundredths of a pixel per inch."""
BLOBS = SectionType.ICC, SectionType.EXIF, SectionType.XMP
"""The sections of deflated bytes."""


def pack_metadata(metadata: Metadata) -> dict[SectionType, bytes]:
    """Return the sections of a picture's metadata. Raises BadRequest where a decoder would refuse one."""
    packed = {kind: _deflate(blob) for kind, blob in zip(BLOBS, _blobs_of(metadata), strict=True) if blob}
    if metadata.colour_space:
        packed[SectionType.COLOUR] = bytes([metadata.colour_space])
    if metadata.resolution:
        hundredths = [round(min(max(100 * axis, 1), HIGHEST_RESOLUTION)) for axis in metadata.resolution]
        packed[SectionType.RESOLUTION] = b"".join(map(varint, dict.fromkeys(hundredths)))
    return packed


def unpack_metadata(sections: Mapping[SectionType, bytes]) -> Metadata:
    """Return what `pack_metadata` packed; blobs have at most 16 MiB. Raises DamagedStream."""
    icc, exif, xmp = (_inflate(sections[kind]) if kind in sections else b"" for kind in BLOBS)
    space, resolution = ColourSpace.UNSPECIFIED, None
    if SectionType.COLOUR in sections:
        space = _colour_space(sections[SectionType.COLOUR])
    if SectionType.RESOLUTION in sections:
        resolution = _resolution(sections[SectionType.RESOLUTION])
    return Metadata(space, icc, exif, xmp, resolution)


def _blobs_of(metadata: Metadata) -> tuple[bytes, bytes, bytes]:
    return metadata.icc, metadata.exif, metadata.xmp


def _colour_space(payload: bytes) -> ColourSpace:
    """Read a known colour space; one that only later releases know is unspecified to this one."""
    if len(payload) != 1:
        raise DamagedStream("a colour space is one byte")
    return ColourSpace(payload[0]) if payload[0] in list(ColourSpace) else ColourSpace.UNSPECIFIED


def _resolution(payload: bytes) -> tuple[float, float]:
    """Read one number for both axes, or two that differ."""
    reader = Reader(payload)
    across = reader.varint()
    down = across if reader.done else reader.varint()
    if not reader.done or min(across, down) < 1 or max(across, down) > HIGHEST_RESOLUTION:
        raise DamagedStream("impossible resolution")
    return across / 100, down / 100


def _deflate(data: bytes) -> bytes:
    if len(data) > METADATA_LIMIT:
        raise BadRequest(f"{len(data)} bytes of metadata are more than a file may carry ({METADATA_LIMIT})")
    return zlib.compress(data, 9)


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(data, METADATA_LIMIT + 1)
    except zlib.error as error:
        raise DamagedStream("metadata cannot be read") from error
    if len(plain) > METADATA_LIMIT or not inflater.eof:
        raise DamagedStream("metadata is truncated or larger than 16 MiB")
    return plain
