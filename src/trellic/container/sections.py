"""Sections: a type, a length, a checksum, the payload. What follows the header is nothing but sections.

A decoder refuses a section type below 128 that it does not know, and passes over one from 128 on. Later releases
thus add layers, groups and adapters without a new version where old decoders can do without them.
"""

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from trellic.container.bytes import Data, Reader, varint
from trellic.container.grid import SMALLEST_TILE, coded
from trellic.container.header import Header
from trellic.errors import DamagedStream, UnsupportedStream

OPTIONAL_FROM = 128
MOST_SECTIONS = 4096
"""Beside those of tiles, whose number the picture's size bounds."""


class SectionType(IntEnum):
    """The sections of version 1."""

    LATENTS = 1
    ALPHA = 2
    GRID = 3
    TILE = 4
    TILE_ALPHA = 5
    ICC = 128
    EXIF = 129
    COLOUR = 130
    XMP = 131
    RESOLUTION = 132


LAST = {SectionType.LATENTS, SectionType.TILE}
"""What a stream ends with, so that no truncation can pass unseen."""
METADATA = {SectionType.ICC, SectionType.EXIF, SectionType.COLOUR, SectionType.XMP, SectionType.RESOLUTION}
REPEATED = {SectionType.TILE, SectionType.TILE_ALPHA}


@dataclass(frozen=True)
class Section:
    """One section: its type, as a plain number since unknown ones may be carried, and its payload."""

    type: int
    payload: bytes

    @property
    def name(self) -> str:
        """The type's name in lower case, or its number."""
        return section_name(self.type)


@dataclass(frozen=True)
class Stored:
    """A section where it lies in a stream, not read yet."""

    type: int
    length: int
    checksum: int
    start: int
    data: Data

    @property
    def name(self) -> str:
        """The type's name in lower case, or its number."""
        return section_name(self.type)

    def read(self) -> bytes:
        """Return the payload. Raises DamagedStream where its checksum is wrong."""
        payload = self.data[self.start : self.start + self.length]
        if zlib.crc32(payload, self.type) != self.checksum:
            raise DamagedStream(f"the checksum of section {self.name} is wrong")
        return payload


def section_name(type_: int) -> str:
    """Return a section type's name in lower case, or its number."""
    return SectionType(type_).name.lower() if type_ in list(SectionType) else str(type_)


def write_stream(header: Header, sections: Iterable[Section]) -> bytes:
    """Return the whole file. Latents and tiles come last, so that no truncation can pass unseen."""
    parts = [header.write()]
    for section in sorted(sections, key=lambda section: section.type in LAST | REPEATED):
        checksum = zlib.crc32(section.payload, section.type)
        parts += [bytes([section.type]), varint(len(section.payload)), checksum.to_bytes(4, "little"), section.payload]
    return b"".join(parts)


def read_stream(data: Data) -> tuple[Header, list[Section]]:
    """Return the header and all sections, checksums proven.

    Raises NotAStream, UnsupportedStream or DamagedStream.
    """
    header, sections = scan_stream(data)
    return header, [Section(section.type, section.read()) for section in sections]


def size_in(data: Data) -> tuple[int, int]:
    """Return the width and height that a stream announces, before anything is made of its size.

    Raises NotAStream, UnsupportedStream or DamagedStream.
    """
    header = Header.read(Reader(data))
    return header.width, header.height


def scan_stream(data: Data) -> tuple[Header, list[Stored]]:
    """Return the header, and where all sections lie; payloads are not looked at.

    Raises NotAStream, UnsupportedStream or DamagedStream.
    """
    reader = Reader(data)
    header = Header.read(reader)
    sections: list[Stored] = []
    seen: Counter[int] = Counter()
    most_tiles = -(-coded(header.width) // SMALLEST_TILE) * -(-coded(header.height) // SMALLEST_TILE)
    while not reader.done:
        type_, length, checksum = reader.integer(1), reader.varint(), reader.integer(4)
        section = Stored(type_, length, checksum, reader.skip(length), data)
        known = type_ in list(SectionType)
        if type_ < OPTIONAL_FROM and not known:
            raise UnsupportedStream(f"section type {type_} is not known to this release")
        seen[type_] += 1
        if known and type_ not in REPEATED and seen[type_] > 1:
            raise DamagedStream(f"section {section_name(type_)} occurs twice")
        if seen[SectionType.TILE] > most_tiles or seen[SectionType.TILE_ALPHA] > most_tiles:
            raise DamagedStream(f"more tiles than {header.width}×{header.height} pixels can have")
        if len(sections) - seen[SectionType.TILE] - seen[SectionType.TILE_ALPHA] >= MOST_SECTIONS:
            raise DamagedStream(f"more than {MOST_SECTIONS} sections")
        sections.append(section)
    if not sections or sections[-1].type not in LAST:
        raise DamagedStream("truncated: the latents are missing")
    return header, sections
