"""Prefixes: how far the coded latents of tiles are read for their first groups, so that these can be taken alone.

Whoever wants a preview then needs a part of the file only, and a file that is cut within a tile shows that tile
roughly. Each prefix has a checksum of its own. The section is optional: a decoder may skip it.
"""

import zlib
from collections.abc import Sequence

from trellic.container.bytes import CHECKSUM_BYTES, Reader, varint
from trellic.container.sections import Entry
from trellic.errors import DamagedStream

MOST_PREFIXES = 64
"""Of a tile."""


def write_prefixes(tiles: Sequence[tuple[bytes, Sequence[int]]]) -> bytes:
    """Return the section's payload.

    tiles  those coded by latents, in the stream's order: payloads, and how many bytes of each its first groups take:
           one group, two and so on; equally many of each
    """
    parts = [varint(len(tiles[0][1]))]
    for payload, ends in tiles:
        before = 0
        for end in ends:
            parts += [varint(end - before), zlib.crc32(payload[:end]).to_bytes(CHECKSUM_BYTES, "little")]
            before = end
    return b"".join(parts)


def read_prefixes(payload: bytes, coded: Sequence[Entry]) -> list[tuple[Entry, ...]]:
    """Return the prefixes of tiles as sections that end early, those of one group first. Raises DamagedStream.

    coded  the sections of tiles that are coded by latents, in the stream's order
    """
    reader = Reader(payload)
    count = reader.varint()
    if not 1 <= count <= MOST_PREFIXES:
        raise DamagedStream(f"{count} prefixes of a tile are impossible")
    found = []
    for whole in coded:
        prefixes, end = [], 0
        for _ in range(count):
            end += reader.varint()
            prefixes.append(Entry(whole.type, whole.start, end, 0, reader.integer(CHECKSUM_BYTES)))
        if end > whole.length:
            raise DamagedStream(f"a prefix of {end} bytes, where section {whole.name} has {whole.length}")
        found.append(tuple(prefixes))
    if not reader.done:
        raise DamagedStream("prefixes of more tiles than there are")
    return found
