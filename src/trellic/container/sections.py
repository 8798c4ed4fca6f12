"""Sections: a type and a payload. An index near the front of a stream has their lengths and checksums.

A decoder refuses a section type below 128 that it does not know, and skips one from 128 on. Later releases thus add
layers, frames and the like without a new version where old decoders can do without them.
"""

import zlib
from dataclasses import dataclass
from enum import IntEnum

OPTIONAL_FROM = 128


class SectionType(IntEnum):
    """The sections of format 1; frames and sound are of .tlv files. docs/format.md reserves more."""

    LATENTS = 0
    EXACT = 1
    EXACT_ALPHA = 2
    BLOCKS = 3
    BLOCKS_ALPHA = 4
    LAYER = 5
    ALPHA = 16
    ADAPTER = 17
    LAYERS = 18
    FRAMES = 19
    ICC = 128
    EXIF = 129
    COLOUR = 130
    XMP = 131
    RESOLUTION = 132
    PREFIXES = 134
    SOUND = 140


PACKED = {SectionType.BLOCKS, SectionType.BLOCKS_ALPHA}
"""Each codes a group of blocks."""
BY_LATENTS = {SectionType.LATENTS, SectionType.LAYER, *PACKED}
"""What a model decodes."""
UNITS = {*BY_LATENTS, SectionType.EXACT, SectionType.EXACT_ALPHA}
"""Each codes one tile, a picture that is coded whole, or a group of blocks; of layers, the first one of a tile."""
ONCE = {
    SectionType.ADAPTER, SectionType.LAYERS, SectionType.ICC, SectionType.EXIF, SectionType.COLOUR, SectionType.XMP,
    SectionType.RESOLUTION, SectionType.PREFIXES,
}  # fmt: skip
"""Each stands before the first unit, and occurs at most once."""


@dataclass(frozen=True)
class Section:
    """One section to be written: its type, a plain number since unknown ones may be carried, and its payload."""

    type: int
    payload: bytes


@dataclass(frozen=True)
class Entry:
    """Where a section lies in a stream.

    seed  CRC-32 of the header and of the entry itself, with which the payload's begins
    """

    type: int
    start: int
    length: int
    seed: int
    checksum: int

    @property
    def end(self) -> int:
        """Where the next one starts."""
        return self.start + self.length

    @property
    def name(self) -> str:
        """The type's name in lower case, or its number."""
        return section_name(self.type)

    def holds(self, payload: bytes) -> bool:
        """Return whether a payload is the one that was written."""
        return zlib.crc32(payload, self.seed) == self.checksum


def section_name(type_: int) -> str:
    """Return a section type's name in lower case, or its number."""
    return SectionType(type_).name.lower() if type_ in list(SectionType) else str(type_)
