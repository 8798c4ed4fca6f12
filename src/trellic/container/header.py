"""The header of a stream: what a decoder must know before it reads any section."""

import zlib
from dataclasses import dataclass
from enum import IntEnum

from trellic.container.bytes import Reader, varint
from trellic.errors import DamagedStream, NotAStream, UnsupportedStream

MAGIC = b"\x93TLC"
VERSION = 1
HASH_BYTES = 8
QUALITY_ONE = 256
"""Qualities are stored in 1/256 of a point, 0 to 100 points."""
HIGHEST_QUALITY = 100 * QUALITY_ONE
LARGEST_SIDE = 1 << 24
MOST_PIXELS = 1 << 27
"""Pixels that are accepted unless a caller raises the limit: 134 million."""


class Mode(IntEnum):
    """What the decoded picture is converted to."""

    GREY = 0
    RGB = 1


@dataclass(frozen=True)
class Header:
    """Facts about the whole picture.

    model       first 8 bytes of the SHA-256 of the model file
    width, height   pixels, 1 to 2²⁴
    mode        grey or RGB
    quality     0 to 25600, in 1/256 of a point
    quantizer   the quantizer's number, see `trellic.quantize`
    step        the quantizer's step, 1 to 65535 in 1/1024 of the latents' unit
    """

    model: bytes
    width: int
    height: int
    mode: Mode
    quality: int
    quantizer: int
    step: int

    def write(self) -> bytes:
        """Return the header's bytes with its checksum."""
        body = b"".join([
            MAGIC, bytes([VERSION]), self.model, varint(self.width), varint(self.height), bytes([self.mode]),
            self.quality.to_bytes(2, "little"), bytes([self.quantizer]), self.step.to_bytes(2, "little"),
        ])  # fmt: skip
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def read(cls, reader: Reader) -> "Header":
        """Read and check a header. Raises NotAStream, UnsupportedStream or DamagedStream."""
        if reader.data[:4] != MAGIC:
            raise NotAStream("not a .tlic file")
        reader.take(4)
        version = reader.integer(1)
        if version != VERSION:
            raise UnsupportedStream(f"format version {version}; this release reads version {VERSION}")
        model = reader.take(HASH_BYTES)
        width, height, mode = reader.varint(), reader.varint(), reader.integer(1)
        quality, quantizer, step = reader.integer(2), reader.integer(1), reader.integer(2)
        body = reader.data[: reader.at]
        if zlib.crc32(body) != reader.integer(4):
            raise DamagedStream("the header's checksum is wrong")
        if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
            raise DamagedStream(f"impossible size {width}×{height}")
        if mode not in list(Mode) or quality > HIGHEST_QUALITY or step == 0:
            raise DamagedStream(f"impossible mode {mode}, quality {quality} or step {step}")
        return cls(model, width, height, Mode(mode), quality, quantizer, step)
