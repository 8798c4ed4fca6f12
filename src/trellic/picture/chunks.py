"""Colour descriptions in files that Pillow does not read: PNG's cICP chunk, AVIF's colour description."""

from typing import IO, TypeGuard

from PIL import Image, ImageFile

LOOKED_AT = 1 << 16
"""Bytes of a file in which its colours are described, if they are."""


def colour_code(image: Image.Image) -> tuple[int, int, bool] | None:
    """Return primaries, transfer and full range by H.273, where the image's file, not loaded yet, says them."""
    if image.format not in {"PNG", "AVIF"} or not is_open(image):
        return None
    assert image.fp is not None
    head = _head(image.fp)
    return _code_in_png(head) if image.format == "PNG" else _code_in_avif(head)


def is_open(image: Image.Image) -> TypeGuard[ImageFile.ImageFile]:
    """Return whether an image's file can still be read."""
    return isinstance(image, ImageFile.ImageFile) and image.fp is not None and not image.fp.closed


def _head(file: IO[bytes]) -> bytes:
    at = file.tell()
    file.seek(0)
    head = file.read(LOOKED_AT)
    file.seek(at)
    return head


def _code_in_png(head: bytes) -> tuple[int, int, bool] | None:
    """Read the chunks before the pixels."""
    at = 8
    while at + 12 <= len(head) and head[at + 4 : at + 8] != b"IDAT":
        length = int.from_bytes(head[at : at + 4], "big")
        if head[at + 4 : at + 8] == b"cICP" and length == 4:
            primaries, transfer, _, full_range = head[at + 8 : at + 12]
            return primaries, transfer, bool(full_range)
        at += 12 + length
    return None


def _code_in_avif(head: bytes) -> tuple[int, int, bool] | None:
    """Find the property of the picture's colours. Its range is that of the coded planes, which Pillow has converted."""
    at = head.find(b"colrnclx")
    numbers = head[at + 8 : at + 12]
    if at < 0 or len(numbers) < 4:
        return None
    return int.from_bytes(numbers[:2], "big"), int.from_bytes(numbers[2:], "big"), True
