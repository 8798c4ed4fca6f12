"""The .tlv file: a header, then sections, most of them groups of frames that are decoded alone. See docs/video.md."""

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from trellic.container.bytes import CHECKSUM_BYTES, Data, Reader, varint
from trellic.container.grid import Grid
from trellic.container.header import HASH_BYTES, HIGHEST_QUALITY, MAGIC_OF_VIDEO
from trellic.container.restoration import Weights, read_weights
from trellic.container.sections import OPTIONAL_FROM, Entry, Section, SectionType
from trellic.container.stream import LARGEST_ONCE, MOST_OF_A_PIXEL
from trellic.errors import DamagedStream, IncompleteStream, NotAStream, UnsupportedStream
from trellic.limits import LARGEST_SIDE, MOST_PIXELS

VERSION, OLDEST = 2, 1
"""Files are of VERSION; those from OLDEST on are read. Version 1 is from before frames were restored."""
MOST_FRAMES, MOST_IN_GROUP = 1 << 20, 1 << 12
MOST_OTHERS = 64
"""Sections beside those of frames, at most."""
MOST_OF_A_SECOND = 1 << 24
"""Bytes of sound: eight channels of 24 bits, 192,000 times a second, take a third of it."""
LARGEST_SOUND = 1 << 31
LONGEST_FRONT = 64
"""Bytes of a header, or of all that precedes a group's first frame, at most."""
MATRICES = {1, 6}
"""Of the video that was coded, by their numbers in ITU-T H.273: BT.709 and BT.601."""


class Kind(IntEnum):
    """What a frame is coded as: a picture, the residual of a prediction, or nothing but its reference."""

    INTRA = 0
    PREDICTED = 1
    REPEAT = 2


PARTS = {Kind.INTRA: 1, Kind.PREDICTED: 2, Kind.REPEAT: 0}
"""Regions of a frame that have weights of restoration: all of it; what is coded of it, and what is skipped."""
SECOND, SAME_QUALITY, DROPPED, RESTORED = 4, 8, 16, 32
"""Bits beside the kind: there is a second reference, the quality is that of the frame before, the frame is not kept, it
is restored."""


@dataclass(frozen=True)
class VideoHeader:
    """What holds for all frames.

    model      first 4 bytes of the SHA-256 of the model file
    rate       frames a second
    frames     how many there are
    quantizer  its number, see `trellic.quantize`
    matrix     one of MATRICES, of the video that was coded; frames are RGB
    """

    model: bytes
    width: int
    height: int
    rate: Fraction
    frames: int
    quantizer: int
    matrix: int

    @property
    def most_of_a_frame(self) -> int:
        """Bytes that a frame may have, far more than any coding takes."""
        coded = Grid.whole(self.width, self.height).picture
        return MOST_OF_A_PIXEL * coded.width * coded.height

    @property
    def most_sound(self) -> int:
        """Bytes that sound may have, far more than any of its length takes."""
        return min(LARGEST_SOUND, LARGEST_ONCE + MOST_OF_A_SECOND * math.ceil(self.frames / self.rate))

    def write(self) -> bytes:
        """Return the header's bytes."""
        numbers = (self.width, self.height, self.rate.numerator, self.rate.denominator, self.frames)
        head = MAGIC_OF_VIDEO + bytes([VERSION]) + self.model + b"".join(map(varint, numbers))
        head += bytes([self.quantizer, self.matrix])
        return head + zlib.crc32(head).to_bytes(CHECKSUM_BYTES, "little")

    @classmethod
    def read(cls, data: Data, limit: int) -> tuple["VideoHeader", int]:
        """Read a header, and return how many bytes it has.

        limit  most pixels of a frame to accept, as they are coded
        Raises NotAStream, UnsupportedStream, DamagedStream, IncompleteStream or PictureTooLarge.
        """
        reader = Reader(data[:LONGEST_FRONT], IncompleteStream)
        if data[: len(MAGIC_OF_VIDEO)] != MAGIC_OF_VIDEO:
            raise NotAStream("not a .tlv file")
        reader.take(len(MAGIC_OF_VIDEO))
        if not OLDEST <= (version := reader.integer(1)) <= VERSION:
            raise UnsupportedStream(f"a version of .tlv file, {version}, that this release does not know")
        model = reader.take(HASH_BYTES)
        width, height, numerator, denominator, frames = (reader.varint() for _ in range(5))
        quantizer, matrix = reader.take(2)
        head = reader.since(0)
        if zlib.crc32(head) != reader.integer(CHECKSUM_BYTES):
            raise DamagedStream("the checksum of the header is wrong")
        if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
            raise DamagedStream(f"impossible size {width}×{height}")
        if not (numerator and denominator) or not 1 <= frames <= MOST_FRAMES or matrix not in MATRICES:
            raise DamagedStream(f"impossible video of {frames} frames")
        Grid.whole(width, height).check(limit)
        found = cls(model, width, height, Fraction(numerator, denominator), frames, quantizer, matrix)
        return found, reader.at


@dataclass(frozen=True)
class CodedFrame:
    """A frame as a stream has it.

    number       of the frame in the video
    references   numbers of the frames that it is predicted from: none, one or two
    quality      0 to 25600, in 1/256 of a point; that of the frame before where it is a repeat
    kept         whether later frames may refer to it
    payload      range coded
    restoration  weights of the restoration filter as they are written; nothing where the frame is not restored
    """

    kind: Kind
    number: int
    references: tuple[int, ...]
    quality: int
    kept: bool
    payload: bytes
    restoration: bytes = b""

    @property
    def size(self) -> int:
        """Bytes of what is coded of it: all but what a few bytes say of any frame."""
        return len(self.payload) + len(self.restoration)

    @property
    def weights(self) -> Sequence[Weights | None]:
        """Of each of its PARTS; None where nothing is corrected. Raises DamagedStream or UnsupportedStream."""
        return read_weights(self.restoration, PARTS[self.kind])

    def check(self) -> None:
        """Raise DamagedStream or UnsupportedStream where weights cannot be read."""
        read_weights(self.restoration, PARTS[self.kind])


def write_group(first: int, frames: Sequence[CodedFrame]) -> Section:
    """Return the section of a group of frames, in coding order, the first of which is `first`."""
    parts, quality = [varint(first), varint(len(frames))], -1
    for frame in frames:
        same = frame.quality == quality or frame.kind == Kind.REPEAT
        flags = frame.kind | SECOND * (len(frame.references) == 2) | SAME_QUALITY * same | DROPPED * (not frame.kept)
        front = b"".join(varint(number - first) for number in (frame.number, *frame.references))
        front += frame.quality.to_bytes(2, "little") * (not same)
        if frame.restoration:
            flags, front = flags | RESTORED, front + varint(len(frame.restoration)) + frame.restoration
        body = bytes([flags]) + front + frame.payload
        parts += [varint(len(body)), body]
        quality = quality if same else frame.quality
    return Section(SectionType.FRAMES, b"".join(parts))


def read_group(payload: bytes) -> Iterator[CodedFrame]:
    """Yield the frames of a group in coding order. Raises DamagedStream."""
    reader = Reader(payload)
    first, count, quality = reader.varint(), reader.varint(), -1
    for number in range(count):
        body = Reader(reader.take(reader.varint()))
        flags = body.integer(1)
        restored = bool(flags & RESTORED)
        if flags & 3 == 3 or flags >> 6 or (number == 0) != (flags & 3 == Kind.INTRA):
            raise DamagedStream("a frame of an impossible kind")
        kind = Kind(flags & 3)
        if kind == Kind.REPEAT and restored:
            raise DamagedStream("a repeat that is restored")
        own = body.varint()
        count_of_references = 0 if kind == Kind.INTRA else 1 + bool(flags & SECOND)
        references = tuple(first + body.varint() for _ in range(count_of_references))
        if not flags & SAME_QUALITY:
            quality = body.integer(2)
        if own >= count or not 0 <= quality <= HIGHEST_QUALITY:
            raise DamagedStream("an impossible frame")
        restoration = body.take(body.varint()) if restored else b""
        if restored and not restoration:
            raise DamagedStream("a restoration of no bytes")
        rest = body.take(body.size - body.at)
        if kind == Kind.REPEAT and rest:
            raise DamagedStream("a repeat that codes something")
        yield CodedFrame(kind, first + own, references, quality, not flags & DROPPED, rest, restoration)
    if not reader.done:
        raise DamagedStream("bytes after the last frame of a group")


@dataclass(frozen=True)
class Group:
    """Where a group of frames lies, and which it has."""

    entry: Entry
    frames: range


@dataclass(frozen=True)
class VideoStream:
    """A .tlv file's sections by purpose; payloads are read when they are needed.

    groups   of frames, in order
    adapter  names the adapter of predicted frames, and may hold it
    sound    a Matroska file
    """

    header: VideoHeader
    groups: tuple[Group, ...]
    adapter: Entry | None
    sound: Entry | None
    data: Data

    @classmethod
    def parse(cls, data: Data, limit: int = MOST_PIXELS) -> "VideoStream":
        """Parse a file; only the fronts of its sections are read.

        limit  most pixels of a frame to accept, as they are coded
        Raises NotAStream, UnsupportedStream, DamagedStream, IncompleteStream or PictureTooLarge.
        """
        header, start = VideoHeader.read(data, limit)
        seed = zlib.crc32(data[:start])
        groups: list[Group] = []
        once: dict[int, Entry] = {}
        others = shown = 0
        while start < len(data):
            entry = _entry_at(data, start, seed)
            start = entry.end
            if entry.type == SectionType.FRAMES:
                frames = _frames_of(data, entry)
                _check_length(entry, header.most_of_a_frame * len(frames))
                if frames.start != shown or frames.stop > header.frames:
                    raise DamagedStream("groups of frames do not follow each other")
                shown = frames.stop
                groups.append(Group(entry, frames))
                continue
            others += 1
            known = entry.type in {SectionType.ADAPTER, SectionType.SOUND}
            if not known and entry.type < OPTIONAL_FROM:
                raise UnsupportedStream(f"section type {entry.type} is not known to this release")
            if others > MOST_OTHERS or (known and entry.type in once):
                raise DamagedStream("more sections than a stream can have")
            if known:
                _check_length(entry, header.most_sound if entry.type == SectionType.SOUND else LARGEST_ONCE)
            once[entry.type] = entry
        if shown != header.frames:
            raise IncompleteStream(f"cut off: {shown} of {header.frames} frames are there")
        return cls(header, tuple(groups), once.get(SectionType.ADAPTER), once.get(SectionType.SOUND), data)

    def read(self, entry: Entry) -> bytes:
        """Return a section's payload. Raises DamagedStream where its checksum is wrong, or IncompleteStream."""
        payload = self.data[entry.start : entry.end]
        if len(payload) < entry.length:
            raise IncompleteStream(f"cut off in section {entry.name}")
        if not entry.holds(payload):
            raise DamagedStream(f"the checksum of section {entry.name} is wrong")
        return payload


def write_video(header: VideoHeader, sections: Sequence[Section]) -> bytes:
    """Return the whole file."""
    head = header.write()
    parts, seed = [head], zlib.crc32(head)
    for section in sections:
        front = bytes([section.type]) + varint(len(section.payload))
        checksum = zlib.crc32(section.payload, zlib.crc32(front, seed))
        parts += [front, checksum.to_bytes(CHECKSUM_BYTES, "little"), section.payload]
    return b"".join(parts)


def _entry_at(data: Data, start: int, seed: int) -> Entry:
    """Return the section that begins at a byte. Raises DamagedStream or IncompleteStream."""
    reader = Reader(data[start : start + LONGEST_FRONT], IncompleteStream)
    kind, length = reader.integer(1), reader.varint()
    seed = zlib.crc32(reader.since(0), seed)
    checksum = reader.integer(CHECKSUM_BYTES)
    entry = Entry(kind, start + reader.at, length, seed, checksum)
    if entry.end > len(data):
        raise IncompleteStream(f"cut off in section {entry.name}: {len(data)} of {entry.end} bytes are there")
    return entry


def _check_length(entry: Entry, most: int) -> None:
    """Raise DamagedStream where a section is longer than anything it can hold: it is read whole."""
    if entry.length > most:
        raise DamagedStream(f"section {entry.name} of {entry.length} bytes, which no encoder writes")


def _frames_of(data: Data, entry: Entry) -> range:
    """Return the numbers of a group's frames. Raises DamagedStream."""
    reader = Reader(data[entry.start : min(entry.end, entry.start + LONGEST_FRONT)])
    first, count = reader.varint(), reader.varint()
    if not 1 <= count <= MOST_IN_GROUP:
        raise DamagedStream(f"a group of {count} frames")
    return range(first, first + count)
