"""The header of a stream: what holds for the whole picture."""

from dataclasses import dataclass

from trellic.container.bytes import Reader, varint
from trellic.container.grid import STRIDE, Grid
from trellic.errors import BadRequest, DamagedStream, NotAStream, UnsupportedStream
from trellic.limits import LARGEST_SIDE

MAGIC, MAGIC_OF_VIDEO = b"\x93TLC", b"\x93TLV"
"""Its last byte is the version: C is format 1."""
HASH_BYTES = 4
QUALITY_ONE = 256
"""Qualities are stored in 1/256 of a point, 0 to 100 points."""
HIGHEST_QUALITY = 100 * QUALITY_ONE
HAS_FLAGS = 1 << 15
"""Beside the quality: a byte of flags follows. Without it they are those of the plainest stream, PLAIN."""
PLAIN = 9
"""Flags of a colour picture, coded whole by the quantizer of the default effort, with nothing but latents."""
QUANTIZER, GREY, TILED, INDEXED, RESTORED = 0x0F, 0x10, 0x20, 0x40, 0x80


@dataclass(frozen=True)
class Header:
    """Facts about the whole picture.

    model        first 4 bytes of the SHA-256 of the model file
    grid         the picture's size, and that of its tiles
    quality      0 to 25600, in 1/256 of a point
    quantizer    the quantizer's number, see `trellic.quantize`
    grey         whether the picture has one channel
    restoration  how the decoded picture is corrected, see `container/restoration.py`; empty where it is not
    """

    model: bytes
    grid: Grid
    quality: int
    quantizer: int
    grey: bool = False
    restoration: bytes = b""

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return self.grid.width

    @property
    def height(self) -> int:
        """Rows."""
        return self.grid.height

    def write(self, indexed: bool) -> bytes:
        """Return the header's bytes; `indexed` where an index of sections follows. Raises BadRequest."""
        if self.quantizer not in range(QUANTIZER + 1):
            raise BadRequest(f"quantizer number {self.quantizer} is not one of 0 to {QUANTIZER}")
        tiled = self.grid.tiles > 1
        restored = bool(self.restoration)
        flags = self.quantizer | GREY * self.grey | TILED * tiled | INDEXED * indexed | RESTORED * restored
        tile = varint(self.grid.tile_width // STRIDE) + varint(self.grid.tile_height // STRIDE)
        return b"".join([
            MAGIC, self.model, varint(self.width), varint(self.height),
            (self.quality | HAS_FLAGS * (flags != PLAIN)).to_bytes(2, "little"),
            bytes([flags] * (flags != PLAIN)), tile * tiled,
            (varint(len(self.restoration)) + self.restoration) * restored,
        ])  # fmt: skip

    @classmethod
    def read(cls, reader: Reader) -> tuple["Header", bool]:
        """Read a header, and whether an index of sections follows. Its values are checked, not its checksum.

        Raises NotAStream, UnsupportedStream, DamagedStream or IncompleteStream.
        """
        magic = reader.take(min(len(MAGIC), reader.size))
        if magic[:3] != MAGIC[:3] or len(magic) < len(MAGIC):
            raise NotAStream("not a .tlic file")
        if magic == MAGIC_OF_VIDEO:
            raise UnsupportedStream("a video, which trellic.video.Reader reads, and verbs do where it is named .tlv")
        if magic != MAGIC:
            raise UnsupportedStream(f"a kind or version of stream, {magic[3]}, that this release does not know")
        model = reader.take(HASH_BYTES)
        width, height, quality = reader.varint(), reader.varint(), reader.integer(2)
        flags = reader.integer(1) if quality & HAS_FLAGS else PLAIN
        quality &= ~HAS_FLAGS
        if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
            raise DamagedStream(f"impossible size {width}×{height}")
        if quality > HIGHEST_QUALITY:
            raise DamagedStream(f"impossible quality {quality}")
        grid = Grid.whole(width, height)
        if flags & TILED:
            grid = Grid.tiled(width, height, STRIDE * reader.varint(), STRIDE * reader.varint())
        restoration = reader.take(reader.varint()) if flags & RESTORED else b""
        if bool(restoration) != bool(flags & RESTORED):
            raise DamagedStream("a restoration of no bytes")
        header = cls(model, grid, quality, flags & QUANTIZER, bool(flags & GREY), restoration)
        return header, bool(flags & INDEXED)
