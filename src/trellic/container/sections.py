"""Sections: a type, a length, the payload, a checksum. What follows the header is nothing but sections.

A decoder refuses a section type below 128 that it does not know, and passes over one from 128 on. Later releases
thus add layers, groups, tiles and adapters without a new version where old decoders can do without them.
"""

import zlib
from dataclasses import dataclass
from enum import IntEnum

from trellic.container.bytes import Reader, varint
from trellic.container.header import Header
from trellic.errors import DamagedStream, UnsupportedStream

OPTIONAL_FROM = 128
MOST_SECTIONS = 4096


class SectionType(IntEnum):
    """The sections of version 1."""

    LATENTS = 1
    ALPHA = 2
    ICC = 128
    EXIF = 129


@dataclass(frozen=True)
class Section:
    """One section: its type, as a plain number since unknown ones may be carried, and its payload."""

    type: int
    payload: bytes

    @property
    def name(self) -> str:
        """The type's name in lower case, or its number."""
        return SectionType(self.type).name.lower() if self.type in list(SectionType) else str(self.type)


def write_stream(header: Header, sections: list[Section]) -> bytes:
    """Return the whole file. The latents come last, so that no truncation can pass unseen."""
    parts = [header.write()]
    for section in sorted(sections, key=lambda section: section.type == SectionType.LATENTS):
        checksum = zlib.crc32(section.payload, section.type)
        parts += [bytes([section.type]), varint(len(section.payload)), checksum.to_bytes(4, "little"), section.payload]
    return b"".join(parts)


def read_stream(data: bytes) -> tuple[Header, list[Section]]:
    """Return the header and all sections, checksums proven.

    Raises NotAStream, UnsupportedStream or DamagedStream.
    """
    reader = Reader(data)
    header = Header.read(reader)
    sections: list[Section] = []
    while not reader.done:
        type_, length, checksum = reader.integer(1), reader.varint(), reader.integer(4)
        payload = reader.take(length)
        if zlib.crc32(payload, type_) != checksum:
            raise DamagedStream(f"the checksum of section {Section(type_, payload).name} is wrong")
        if type_ < OPTIONAL_FROM and type_ not in list(SectionType):
            raise UnsupportedStream(f"section type {type_} is not known to this release")
        if type_ in list(SectionType) and any(section.type == type_ for section in sections):
            raise DamagedStream(f"section {Section(type_, payload).name} occurs twice")
        if len(sections) == MOST_SECTIONS:
            raise DamagedStream(f"more than {MOST_SECTIONS} sections")
        sections.append(Section(type_, payload))
    if not sections or sections[-1].type != SectionType.LATENTS:
        raise DamagedStream("truncated: the latents are missing")
    return header, sections
