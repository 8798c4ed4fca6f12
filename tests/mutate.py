"""Ways to damage a stream: blindly, and so that its checksums hold and the damage gets past them.

Each is a function (stream, random) → stream. What cannot be parsed any more is damaged blindly.
"""

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from trellic.container import Header, Section, SectionType, Stream, write_stream
from trellic.container.index import CHECK_BYTES, check_of
from trellic.container.prefixes import write_prefixes
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


def parsed(data: bytes) -> tuple[Header, list[Section]]:
    """Return a stream's header and sections, whatever their checksums say."""
    stream = Stream.parse(data, 1 << 40, partial=True)
    return stream.header, [Section(entry.type, data[entry.start : entry.end]) for entry in stream.entries]


def change_header(data: bytes, random: Random) -> bytes:
    """Return the stream with another value in a field of its header, the checksums right."""
    header, sections = parsed(data)
    grid = header.grid
    values = {
        "quality": near_or_far(header.quality, (1 << 15) - 1, random),
        "quantizer": int(random.integers(16)),
        "grey": not header.grey,
        "grid": grid._replace(**{
            field: near_or_far(getattr(grid, field), 1 << 24, random) for field in random.choice(grid._fields[:4], 2)
        }),
    }  # fmt: skip
    name = str(random.choice(list(values)))
    return write_stream(replace(header, **{name: values[name]}), sections)


def near_or_far(value: int, largest: int, random: Random) -> int:
    near = max(0, value + int(random.integers(-3, 4)))
    far = int(largest ** random.uniform(0, 1))
    return min(near if random.integers(2) else far, largest)


def change_front(data: bytes, random: Random) -> bytes:
    """Return the stream with header and index damaged, their check right: lengths, types and numbers of all kinds."""
    stream = Stream.parse(data, 1 << 40, partial=True)
    start = stream.entries[0].start
    front = data[:4] + blindly(data[4 : start - CHECK_BYTES], random)
    return front + check_of(front).to_bytes(CHECK_BYTES, "little") + data[start:]


def change_sections(data: bytes, random: Random) -> bytes:
    """Return the stream with a section omitted, repeated, or of another type, checksums right."""
    header, sections = parsed(data)
    chosen = int(random.integers(len(sections)))
    section = sections[chosen]
    types = [*SectionType, 6, 19, 127, 140, 255]
    options = [[], [section, section], [Section(int(random.choice(types)), section.payload)]]
    return write_stream(header, [*sections[:chosen], *options[random.integers(3)], *sections[chosen + 1 :]])


def change_payload(kind: SectionType, change: Mutation) -> Mutation:
    """Return a mutation of the payloads of one type, their checksums right."""

    def mutate(data: bytes, random: Random) -> bytes:
        header, sections = parsed(data)
        return write_stream(
            header,
            [Section(each.type, change(each.payload, random)) if each.type == kind else each for each in sections],
        )

    return mutate


def change_words(payload: bytes, random: Random) -> bytes:
    """Return coded data with some of its 32-bit words others, or its states."""
    words = 2 + len(payload) % 4
    damaged = bytearray(payload)
    choices = [bytes(4), b"\xff" * 4, b"\0\0\0\x80", random.bytes(4)]
    for at in random.integers(0, max(len(damaged) // 4, 1), random.integers(1, 4)):
        damaged[words + 4 * at : words + 4 * at + 4] = choices[random.integers(len(choices))]
    if random.integers(3) == 0:
        damaged[:words] = random.bytes(words)
    return bytes(damaged) + random.bytes(4 * int(random.integers(0, 3)))


def change_samples(payload: bytes, random: Random) -> bytes:
    """Return exact samples damaged behind their size."""
    return payload[:5] + blindly(payload[5:], random)


def change_packed(payload: bytes, random: Random) -> bytes:
    """Return zlib data changed unpacked, or as it is, or grown."""
    if random.integers(2):
        return blindly(payload, random)
    plain = blindly(zlib.decompress(payload), random)
    return zlib.compress(plain + bytes(int(random.choice([0, 1, 1 << 16, 1 << 24]))), 1)


def change_adapter(payload: bytes, random: Random) -> bytes:
    """Return an adapter damaged behind its name, which is made right again."""
    part = blindly(payload[4:], random)
    return hashlib.sha256(part).digest()[:4] + part


def change_prefixes(data: bytes, random: Random) -> bytes:
    """Return a stream whose prefixes end anywhere, their checksums right."""
    header, sections = parsed(data)
    coded = [each.payload for each in sections if each.type == SectionType.LATENTS]
    if not coded:
        return data
    count = random.integers(1, 5)
    ends = [(payload, sorted(random.integers(0, len(payload) + 1, count).tolist())) for payload in coded]
    rest = [each for each in sections if each.type != SectionType.PREFIXES]
    return write_stream(header, [Section(SectionType.PREFIXES, write_prefixes(ends)), *rest])


REPAIRED: tuple[Mutation, ...] = (
    change_header,
    change_front,
    change_sections,
    change_prefixes,
    change_payload(SectionType.PREFIXES, blindly),
    change_payload(SectionType.LATENTS, blindly),
    change_payload(SectionType.LATENTS, change_words),
    *(
        change_payload(kind, change)
        for kind in (SectionType.EXACT, SectionType.EXACT_ALPHA, SectionType.ALPHA)
        for change in (blindly, change_samples)
    ),
    change_payload(SectionType.LAYERS, blindly),
    change_payload(SectionType.LAYER, blindly),
    change_payload(SectionType.LAYER, change_words),
    change_payload(SectionType.ADAPTER, blindly),
    change_payload(SectionType.ADAPTER, change_adapter),
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
