"""What Pillow does not read in files: PNG's cICP chunk, AVIF's colour description, metadata behind a PNG's pixels."""

import zlib
from typing import IO, Any, TypeGuard

from PIL import Image, ImageFile

from trellic.picture.payloads import METADATA_LIMIT

LOOKED_AT = 1 << 16
"""Bytes of a file in which its colours are described, if they are."""
MOST_CHUNKS, MOST_TEXTS = 1 << 20, 64
"""Of a PNG that are looked at, and of those the ones behind its pixels that say something."""
TEXTS = {b"tEXt", b"zTXt", b"iTXt"}


def colour_code(image: Image.Image) -> tuple[int, int, bool] | None:
    """Return primaries, transfer and full range by H.273, where the image's file, not loaded yet, says them."""
    if image.format not in {"PNG", "AVIF"} or not is_open(image):
        return None
    assert image.fp is not None
    head = head_of(image.fp)
    return _code_in_png(head) if image.format == "PNG" else _code_in_avif(head)


def behind_pixels(image: Image.Image) -> dict[str, Any]:
    """Return what Pillow will have in an image's `info` from behind a PNG's pixels once it reads them.

    That is, EXIF data as "exif", an XMP packet as "xmp", other texts by their keywords; damaged ones are skipped.
    """
    found: dict[str, Any] = {}
    if image.format != "PNG" or not is_open(image):
        return found
    assert image.fp is not None
    file, seen, at = image.fp, False, 8
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind == b"IEND" or len(found) == MOST_TEXTS:
            break
        seen |= kind == b"IDAT"
        if seen and kind in {b"eXIf", *TEXTS} and length <= METADATA_LIMIT:
            body = file.read(length)
            if zlib.crc32(kind + body) == int.from_bytes(file.read(4), "big"):
                found |= {"exif": b"Exif\0\0" + body} if kind == b"eXIf" else _text_in(kind, body)
        at += 12 + length
    return found


def _text_in(kind: bytes, body: bytes) -> dict[str, Any]:
    """Read a keyword and its text, perhaps deflated; an iTXt chunk has languages in between, which say nothing here."""
    keyword, _, text = body.partition(b"\0")
    deflated, method = kind == b"zTXt", text[:1]
    if kind == b"zTXt":
        text = text[1:]
    elif kind == b"iTXt":
        deflated, method = text[:1] == b"\1", text[1:2]
        _, _, text = text[2:].partition(b"\0")[2].partition(b"\0")
    if deflated:
        if method != b"\0":
            return {}
        try:
            text = zlib.decompressobj().decompress(text, METADATA_LIMIT)
        except zlib.error:
            return {}
    return {"xmp": text} if keyword == b"XML:com.adobe.xmp" else {keyword.decode("latin-1"): text.decode("latin-1")}


def is_open(image: Image.Image) -> TypeGuard[ImageFile.ImageFile]:
    """Return whether an image's file can still be read."""
    return isinstance(image, ImageFile.ImageFile) and image.fp is not None and not image.fp.closed


def head_of(file: IO[bytes]) -> bytes:
    """Return the first bytes of a file, which stays where it is."""
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
