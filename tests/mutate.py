"""Ways to damage a stream: blindly, and so that its checksums hold and the damage gets past them.

Each is a function (stream, random) → stream. What cannot be parsed any more is damaged blindly.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from trellic.container import Section, SectionType, read_stream, write_stream
from trellic.container.bytes import varint
from trellic.errors import TrellicError

Random = np.random.Generator
Mutation = Callable[[bytes, Random], bytes]


def flip_bits(data: bytes, random: Random) -> bytes:
    damaged = bytearray(data)
    for bit in random.integers(0, 8 * max(len(data), 1), random.integers(1, 5)):
        if damaged:
            damaged[bit // 8] ^= 1 << (bit % 8)
    return bytes(damaged)


def set_bytes(data: bytes, random: Random) -> bytes:
    damaged = bytearray(data)
    for at in random.integers(0, max(len(data), 1), random.integers(1, 9)):
        if damaged:
            damaged[at] = random.choice([0, 1, 127, 128, 255, int(random.integers(256))])
    return bytes(damaged)


def truncate(data: bytes, random: Random) -> bytes:
    return data[: random.integers(0, len(data) + 1)]


def splice(data: bytes, random: Random, other: bytes | None = None) -> bytes:
    """Return a piece put over another place: of another stream, else of the same."""
    other = data if other is None else other
    start, length = random.integers(0, len(other) + 1), random.integers(1, 65)
    at, over = random.integers(0, len(data) + 1), random.integers(0, 65)
    return data[:at] + other[start : start + length] + data[at + over :]


BLIND: tuple[Mutation, ...] = (flip_bits, set_bytes, truncate, splice)


def blindly(data: bytes, random: Random) -> bytes:
    return BLIND[random.integers(len(BLIND))](data, random)


def change_header(data: bytes, random: Random) -> bytes:
    """Return the stream with another value in a field of its header, the checksum right."""
    header, sections = read_stream(data)
    name = str(random.choice([field.name for field in fields(header) if field.name != "model"]))
    largest = {"mode": 255, "quantizer": 8, "width": 1 << 24, "height": 1 << 24}.get(name, 65535)
    near = max(0, int(getattr(header, name)) + int(random.integers(-3, 4)))
    far = int(largest ** random.uniform(0, 1))
    changed: dict[str, Any] = {name: min(near if random.integers(2) else far, largest)}
    return write_stream(replace(header, **changed), sections)


def change_length(data: bytes, random: Random) -> bytes:
    """Return the stream with another length in front of a section."""
    header, sections = read_stream(data)
    chosen = int(random.integers(len(sections)))
    parts = [header.write()]
    for number, section in enumerate(sections):
        length = len(section.payload)
        if number == chosen:
            length = int(random.choice([0, max(0, length - 1), length + 1, 1 << 31, (1 << 35) - 1]))
        checksum = zlib.crc32(section.payload, section.type).to_bytes(4, "little")
        parts.append(bytes([section.type]) + varint(length) + checksum + section.payload)
    return b"".join(parts)


def change_sections(data: bytes, random: Random) -> bytes:
    """Return the stream with a section left out, repeated, or of another type, checksums right."""
    header, sections = read_stream(data)
    chosen = int(random.integers(len(sections)))
    section = sections[chosen]
    types = [*SectionType, 6, 127, 130, 255]
    options = [[], [section, section], [Section(int(random.choice(types)), section.payload)]]
    return write_stream(header, [*sections[:chosen], *options[random.integers(3)], *sections[chosen + 1 :]])


def change_payload(kind: SectionType, change: Mutation) -> Mutation:
    """Return a mutation of one section's payload, its checksum right."""

    def mutate(data: bytes, random: Random) -> bytes:
        header, sections = read_stream(data)
        return write_stream(
            header,
            [Section(each.type, change(each.payload, random)) if each.type == kind else each for each in sections],
        )

    return mutate


def change_words(payload: bytes, random: Random) -> bytes:
    """Return coded data of whole words, some of them others."""
    words = np.frombuffer(payload[: len(payload) // 4 * 4], "<u4").copy()
    choices = [0, (1 << 32) - 1, 1 << 31, int(random.integers(1 << 32))]
    for at in random.integers(0, max(len(words), 1), random.integers(1, 4)):
        if len(words):
            words[at] = random.choice(choices)
    extra = random.bytes(4 * int(random.integers(0, 3)))
    return words[: len(words) - int(random.integers(0, 2))].tobytes() + extra


def change_png(payload: bytes, random: Random) -> bytes:
    """Return a PNG with chunks changed, added and left out, their checksums right; its picture is changed unpacked."""
    chunks, at = [], 8
    while at + 8 <= len(payload):
        length = struct.unpack(">I", payload[at : at + 4])[0]
        chunks.append((payload[at + 4 : at + 8], payload[at + 8 : at + 8 + length]))
        at += 12 + length
    names = [b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"pHYs"]
    for _ in range(int(random.integers(1, 4))):
        chosen = int(random.integers(0, len(chunks) + 1))
        what = random.integers(3)
        if what == 0 or chosen == len(chunks):
            chunks.insert(chosen, (names[random.integers(len(names))], random.bytes(int(random.integers(0, 40)))))
        elif what == 1:
            name, body = chunks[chosen]
            chunks[chosen] = (name, change_packed(body, random) if name == b"IDAT" else blindly(body, random))
        else:
            del chunks[chosen]
    return payload[:8] + b"".join(
        struct.pack(">I", len(body)) + name + body + zlib.crc32(name + body).to_bytes(4, "big") for name, body in chunks
    )


def change_packed(payload: bytes, random: Random) -> bytes:
    """Return zlib data changed unpacked, or as it is, or grown."""
    if random.integers(2):
        return blindly(payload, random)
    plain = blindly(zlib.decompress(payload), random)
    return zlib.compress(plain + bytes(int(random.choice([0, 1, 1 << 16, 1 << 24]))), 1)


REPAIRED: tuple[Mutation, ...] = (
    change_header,
    change_length,
    change_sections,
    change_payload(SectionType.LATENTS, blindly),
    change_payload(SectionType.LATENTS, change_words),
    change_payload(SectionType.GRID, blindly),
    change_payload(SectionType.TILE, blindly),
    change_payload(SectionType.TILE, change_words),
    change_payload(SectionType.TILE_ALPHA, change_png),
    change_payload(SectionType.ALPHA, blindly),
    change_payload(SectionType.ALPHA, change_png),
    change_payload(SectionType.ICC, change_packed),
    change_payload(SectionType.EXIF, change_packed),
)


def mutated(streams: list[bytes], random: Random) -> bytes:
    """Return one of the streams, damaged in one or more ways, most often past its checksums."""
    data = streams[random.integers(len(streams))]
    if random.integers(5) == 0:
        return splice(data, random, streams[random.integers(len(streams))])
    for _ in range(int(random.integers(1, 4))):
        try:
            mutation = BLIND[random.integers(len(BLIND))] if random.integers(4) == 0 else None
            data = (mutation or REPAIRED[random.integers(len(REPAIRED))])(data, random)
        except (TrellicError, zlib.error, ValueError, OverflowError):  # no stream any more to damage cleverly
            data = blindly(data, random)
    return data
