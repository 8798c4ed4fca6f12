"""How many bits the samples of a file have, where Pillow's readers make 8 of them without a word.

Sources: AV1 Codec ISO Media File Format Binding 2.3, ISO/IEC 15444-1 A.5.1, ISO/IEC 18181-1 D.
"""

from PIL import Image

from trellic.picture.chunks import head_of, is_open

SIZES = (9, 13, 18, 30)
"""Bits of a side of a JPEG XL, by a selector."""
DEPTHS = (8, 10, 12)
"""Of its samples, by another; the last one says them in 6 bits."""
START, SIZ = b"\xff\x0a", b"\xff\x4f\xff\x51"
"""Where the codestreams of JPEG XL and JPEG 2000 begin."""


def bits_of_samples(image: Image.Image) -> int:
    """Return the bits of a sample in an image's file, not loaded yet: AVIF, JPEG 2000 or JPEG XL; 8 where unknown."""
    if image.format not in {"AVIF", "JPEG2000", "JXL"} or not is_open(image):
        return 8
    assert image.fp is not None
    head = head_of(image.fp)
    if image.format == "AVIF":
        return _in_avif(head)
    return _in_jpeg2000(head) if image.format == "JPEG2000" else _in_jpeg_xl(head)


def _in_avif(head: bytes) -> int:
    at = head.find(b"av1C")
    flags = head[at + 6 : at + 7]
    if at < 0 or not flags or not flags[0] & 0x40:
        return 8
    return 12 if flags[0] & 0x20 else 10


def _in_jpeg2000(head: bytes) -> int:
    at = head.find(SIZ)
    count = int.from_bytes(head[at + 40 : at + 42], "big")
    depths = head[at + 42 : at + 42 + 3 * count : 3]
    return max(((depth & 0x7F) + 1 for depth in depths), default=8) if at >= 0 else 8


def _in_jpeg_xl(head: bytes) -> int:
    """Read the codestream's header up to the depth. Previews and animations, which come before it, are not read."""
    if not head.startswith(START):
        box = min((at for at in (head.find(b"jxlc"), head.find(b"jxlp")) if at >= 0), default=0)
        head = head[head.find(START, box) :]
    bits = _Bits(head[2:64])
    bits.skip_size()
    if bits.pull(1):  # all as usual
        return 8
    if bits.pull(1):
        bits.pull(3)  # orientation
        if bits.pull(1):
            bits.skip_size()  # at which it is meant to be shown
        if bits.pull(1) or bits.pull(1):
            return 8
    if bits.pull(1):  # floats, which Pillow's reader gives as they are
        return 8
    selector = bits.pull(2)
    return DEPTHS[selector] if selector < len(DEPTHS) else 1 + bits.pull(6)


class _Bits:
    """Bits of bytes, the lowest of each first; beyond the end they are 0."""

    def __init__(self, data: bytes) -> None:
        self.rest = int.from_bytes(data, "little")

    def pull(self, count: int) -> int:
        value = self.rest & ((1 << count) - 1)
        self.rest >>= count
        return value

    def skip_size(self) -> None:
        small = self.pull(1)
        self._skip_side(small)
        if not self.pull(3):  # no ratio of sides
            self._skip_side(small)

    def _skip_side(self, small: int) -> None:
        self.pull(5 if small else SIZES[self.pull(2)])
