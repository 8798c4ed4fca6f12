"""The index: what sections a stream has, how long each is, and their checksums, all before the first payload.

A picture that is coded whole, by its latents alone, has no list: a length and a checksum are enough.
"""

import zlib
from collections.abc import Sequence

from trellic.container.bytes import CHECKSUM_BYTES, Reader, varint
from trellic.container.header import Header
from trellic.container.layers import MOST_LAYERS
from trellic.container.sections import Entry, Section, SectionType
from trellic.errors import DamagedStream

CHECK_BYTES = 2
MOST_SECTIONS = 64
"""Beside those of tiles, two for each at most, and those of further layers."""


def write_front(header: Header, sections: Sequence[Section]) -> bytes:
    """Return all that goes before the payloads: header, index, and the check of both."""
    indexed = [section.type for section in sections] != [SectionType.LATENTS]
    fixed = header.write(indexed)
    parts = [fixed, varint(len(sections))] if indexed else [fixed]
    for section in sections:
        entry = bytes([section.type] * indexed) + varint(len(section.payload))
        checksum = zlib.crc32(section.payload, zlib.crc32(entry, zlib.crc32(fixed)))
        parts += [entry, checksum.to_bytes(CHECKSUM_BYTES, "little")]
    front = b"".join(parts)
    return front + check_of(front).to_bytes(CHECK_BYTES, "little")


def read_front(reader: Reader, limit: int) -> tuple[Header, list[Entry]]:
    """Read and check header and index; nothing is made of the picture's size unless it is within the limit.

    limit  most pixels to accept, as they are coded
    Raises NotAStream, UnsupportedStream, DamagedStream, IncompleteStream or PictureTooLarge.
    """
    header, indexed = Header.read(reader)
    header.grid.check(limit)
    seed = zlib.crc32(reader.since(0))
    count = reader.varint() if indexed else 1
    if count > (1 + MOST_LAYERS) * header.grid.tiles + MOST_SECTIONS:
        raise DamagedStream(f"{count} sections are more than a stream can have")
    found = []
    for _ in range(count):
        begin = reader.at
        type_ = reader.integer(1) if indexed else SectionType.LATENTS
        length = reader.varint()
        entry_seed = zlib.crc32(reader.since(begin), seed)
        found.append((type_, length, entry_seed, reader.integer(CHECKSUM_BYTES)))
    if check_of(reader.since(0)) != reader.integer(CHECK_BYTES):
        raise DamagedStream("the header's checksum is wrong")
    further = [type_ for type_, *_ in found].count(SectionType.LAYER)
    if count - further > 2 * header.grid.tiles + MOST_SECTIONS:
        raise DamagedStream(f"{count} sections are more than a stream can have")
    entries, start = [], reader.at
    for type_, length, entry_seed, checksum in found:
        entries.append(Entry(type_, start, length, entry_seed, checksum))
        start += length
    return header, entries


def check_of(front: bytes) -> int:
    """Return the check of header and index: their CRC-32, its halves added without carry."""
    crc = zlib.crc32(front)
    return crc >> 16 ^ crc & 0xFFFF
