"""Pictures that are too large to hold: read and written strip by strip, by libvips where it is installed.

`pip install "trellic[large]"` brings it. Without it, pictures of any size go through Pillow, and are held in memory.
"""

import contextlib
import ctypes
import struct
import warnings
import zlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np

from trellic.errors import BadRequest, UnreadablePicture
from trellic.files import temporary_beside, write_atomically
from trellic.limits import check_size
from trellic.picture.metadata import Metadata
from trellic.picture.pillow import read, size_of
from trellic.picture.types import Converted, Pixels, Source, Strips, mode_of

LARGE = 1 << 24
"""Pixels from which on a picture is not held in memory, where that can be avoided."""
MMAP_THRESHOLD, LARGE_BLOCK = -3, 1 << 22
"""glibc's number for this parameter of malloc, and bytes."""
LINES = 64
"""To read or write at a time."""
SAVED_AS = {
    ".png": "compression=3",
    ".jpg": "Q=95,subsample_mode=off",
    ".jpeg": "Q=95,subsample_mode=off",
    ".webp": "lossless",
    ".tif": "bigtiff,compression=deflate",
    ".tiff": "bigtiff,compression=deflate",
}
"""How libvips is asked to write, by suffix, as `trellic.picture.saving.save` does."""
PLAIN = {"srgb", "rgb", "b-w", "multiband", "rgb16", "grey16"}
"""The colours of libvips that are taken as they are."""


def is_large(width: int, height: int) -> bool:
    """Return whether a picture of this size is better read or written in strips."""
    return width * height > LARGE


def can_write_strips(path: Path) -> bool:
    """Return whether a picture of a path's suffix can be written in strips here."""
    return path.suffix.lower() in SAVED_AS and find_spec("pyvips") is not None


@cache
def _vips() -> Any:
    """Return pyvips, which keeps no files open once they are done with."""
    import pyvips

    pyvips.cache_set_max(0)
    return pyvips


def give_back_freed_memory() -> None:
    """Have glibc return large blocks to the system as soon as they are freed, in the whole process.

    It learns to keep them, which costs hundreds of megabytes once tiles of many sizes have come and gone.
    """
    with contextlib.suppress(OSError, AttributeError):  # where there is no glibc
        ctypes.CDLL("libc.so.6").mallopt(MMAP_THRESHOLD, LARGE_BLOCK)


def open_source(path: Path, limit: int) -> Source:
    """Return a picture file, in memory where it is not large, or not of a kind that is read in strips.

    Raises UnreadablePicture or PictureTooLarge.
    """
    if path.is_file() and is_large(*size_of(path)) and find_spec("pyvips") is not None:
        image = _open(path)
        if image is not None:
            return StripReader(path, image, limit)
    return read(path, limit)


def _open(path: Path) -> Any:
    """Return a picture as libvips sees it, or None where Pillow would make something else of it.

    That is: other colours than grey and RGB, samples of neither 8 nor 16 bits, and a TIFF that wants to be turned.
    """
    try:
        image = _vips().Image.new_from_file(str(path), access="sequential", fail_on="truncated")
        plain = image.interpretation in PLAIN and image.format in {"uchar", "ushort"} and image.bands <= 4
        turned = path.suffix.lower() in {".tif", ".tiff"} and image.get_typeof("orientation")
        if not plain or (turned and image.get("orientation") > 1):
            return None
    except _vips().Error:
        return None
    if image.format == "ushort":
        image = (image / 257).rint().cast("uchar").copy(interpretation="srgb" if image.bands > 2 else "b-w")
    return image


class StripReader:
    """A picture file that gives its rows when asked: a `trellic.picture.types.Source`. `rows` raises UnreadablePicture.

    image  the file as `_open` returns it
    Raises PictureTooLarge.
    """

    def __init__(self, path: Path, image: Any, limit: int) -> None:
        give_back_freed_memory()
        self.path = path
        self.width, self.height = int(image.width), int(image.height)
        check_size(self.width, self.height, limit)
        self.grey = image.bands < 3
        icc, exif = (
            bytes(image.get(field)) if image.get_typeof(field) else b"" for field in ("icc-profile-data", "exif-data")
        )
        self.metadata = Metadata(icc=icc, exif=exif)
        self._start(image)
        if image.get_typeof("bits-per-sample") and image.get("bits-per-sample") > 8:
            warnings.warn("16-bit samples rounded to 8 bits", Converted, stacklevel=3)

    def _start(self, image: Any) -> None:
        """Read from the top."""
        self._region = _vips().Region.new(image)
        self._kept_from, self._kept = 0, np.empty((0, image.width, image.bands), np.uint8)

    def rows(self, top: int, bottom: int) -> tuple[Pixels, Pixels | None]:
        """Return rows and their alpha, as a `Source` does; those that were read last are kept."""
        if top < self._kept_from:
            self._start(_open(self.path))
        kept = np.empty((bottom - top, *self._kept.shape[1:]), np.uint8)
        shared = self._kept[top - self._kept_from :][: bottom - top]
        kept[: len(shared)] = shared
        try:
            for line in range(top + len(shared), bottom, LINES):
                part = kept[line - top : line - top + LINES]
                part[:] = np.frombuffer(self._region.fetch(0, line, self.width, len(part)), np.uint8).reshape(
                    part.shape
                )
        except _vips().Error as error:
            raise UnreadablePicture(f"cannot be read as a picture: {_reason(error)}") from error
        self._kept_from, self._kept = top, kept
        has_alpha = kept.shape[2] in {2, 4}
        colours = kept[:, :, :-1] if has_alpha else kept
        pixels = np.repeat(colours, 3, axis=2) if self.grey else colours
        return pixels, kept[:, :, -1] if has_alpha else None


def write_strips(found: Strips, path: Path) -> None:
    """Write a decoded picture that comes in strips, by the path's suffix, whole or not at all.

    The pixels wait in a file beside it until all are there. The path is one that `can_write_strips`. Raises BadRequest
    for what its kind cannot hold.
    """
    suffix = path.suffix.lower()
    if found.has_alpha and suffix in {".jpg", ".jpeg"}:
        raise BadRequest(f"{path}: JPEG has no alpha; choose another kind")
    give_back_freed_memory()
    with temporary_beside(path) as waiting:
        with waiting.open("wb") as file:
            _write_stored_png(found, file)
        try:
            write_atomically(path, lambda file: _convert(waiting, found, suffix, file))
        except _vips().Error as error:
            raise BadRequest(f"{path}: cannot be written as {suffix} ({_reason(error)})") from error


def _write_stored_png(found: Strips, file: IO[bytes]) -> None:
    """Write a PNG that is not compressed: libvips reads it row by row, where it would map a file of bare samples."""
    colour_type = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}[mode_of(found.grey, found.has_alpha)]

    def write_chunk(kind: bytes, body: bytes) -> None:
        file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))))

    file.write(b"\x89PNG\r\n\x1a\n")
    write_chunk(b"IHDR", struct.pack(">IIBBBBB", found.width, found.height, 8, colour_type, 0, 0, 0))
    packer = zlib.compressobj(0)
    for pixels, alpha in found.strips:
        samples = pixels[:, :, :1] if found.grey else pixels
        samples = samples if alpha is None else np.dstack([samples, alpha])
        lines = np.zeros(
            (len(samples), 1 + samples[0].size), np.uint8
        )  # each begins with the number of its filter: none
        lines[:, 1:] = samples.reshape(len(samples), -1)
        write_chunk(b"IDAT", packer.compress(lines.tobytes()))
    write_chunk(b"IDAT", packer.flush())
    write_chunk(b"IEND", b"")


def _convert(stored: Path, found: Strips, suffix: str, file: IO[bytes]) -> None:
    """Write the picture that a PNG holds, with the metadata of `found`."""
    vips = _vips()
    image = vips.Image.new_from_file(str(stored), access="sequential").copy()
    blobs = {"icc": ("icc-profile-data", found.metadata.icc), "exif": ("exif-data", found.metadata.exif)}
    kept = {name: blob for name, blob in blobs.items() if blob[1]}
    for field, blob in kept.values():
        image.set_type(vips.GValue.blob_type, field, blob)
    options = f"[{SAVED_AS[suffix]},keep={':'.join(kept) or 'none'}]"
    image.write_to_target(vips.Target.new_to_descriptor(file.fileno()), suffix + options)


def _reason(error: Exception) -> str:
    """Return libvips's message in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
