"""Decoded pictures that are too large to hold, to files, strip by strip, by libvips."""

import dataclasses
import struct
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import numpy as np

from trellic.errors import BadRequest
from trellic.files import STANDARD, is_special, temporary_beside, write_atomically
from trellic.picture.colour import coloured, profile_of
from trellic.picture.kinds import kind_of
from trellic.picture.metadata import Metadata
from trellic.picture.orientation import orientation_of, parsed
from trellic.picture.pillow import shown_mode, strips_to_pillow
from trellic.picture.saving import check_alpha, flattened, write_image
from trellic.picture.types import Strips, mode_of, warn
from trellic.picture.vips import give_back_freed_memory, reason_of, vips

SAVED_AS = {
    "PNG": (".png", "compression=3"),
    "JPEG": (".jpg", "Q=95,subsample_mode=off"),
    "WEBP": (".webp", "lossless"),
    "TIFF": (".tif", "bigtiff,compression=deflate"),
}
"""How libvips is asked to write kinds of pictures: a suffix and options, as `trellic.picture.kinds` has them."""
INCH = 25.4
"""In millimetres."""
LONGEST_LINE = 1 << 18
"""In pixels: libvips holds hundreds of lines, twice. A picture of longer ones has no more, and Pillow holds it once."""
MOST_PACKED = 1 << 20
"""Pixels to pack at a time, about."""
NO_RESOLUTION = (72.0, 72.0)
"""What libvips is given where nothing is known."""


def can_write_strips(path: Path) -> bool:
    """Return whether a picture of a path's suffix can be written in strips here."""
    is_file = path != STANDARD and not is_special(path)
    return is_file and kind_of(path.suffix).name in SAVED_AS and find_spec("pyvips") is not None


def write_strips(found: Strips, path: Path, background: str = "", replace: bool = True) -> None:
    """Write a decoded picture that comes in strips, as `trellic.picture.saving.save` does.

    The pixels wait in a file beside it until all are there; in memory, where lines are very long. The path is one that
    `can_write_strips`. Raises BadRequest for what its kind cannot hold.
    """
    kind = kind_of(path.suffix)
    name = kind.name
    if found.has_alpha and name == "JPEG":
        check_alpha(kind, background)
        parts = (
            part._replace(pixels=flattened(part.pixels, part.alpha, background), alpha=None)
            for part in found.parts
            if part.alpha is not None
        )
        found = dataclasses.replace(found, has_alpha=False, grey=False, parts=parts)
    if found.metadata.exif and not parsed(found.metadata.exif):
        warn(f"{name} does not keep its EXIF data, which are damaged")
        found = dataclasses.replace(found, metadata=found.metadata.without("exif"))
    if found.width > LONGEST_LINE:
        image = strips_to_pillow(found)
        write_atomically(path, lambda file: write_image(image, found.metadata, kind, file), replace)
        return
    profile = profile_of(found.metadata, found.grey)
    found = dataclasses.replace(found, grey=shown_mode(found.metadata, found.grey, has_alpha=False) == "L")
    give_back_freed_memory()
    with temporary_beside(path) as waiting:
        with waiting.open("wb") as file:
            _write_stored_png(found, file)
        try:
            write_atomically(path, lambda file: _convert(waiting, found.metadata, profile, name, file), replace)
        except vips().Error as error:
            raise BadRequest(f"{path}: cannot be written as {name} ({reason_of(error)})") from error


def _write_stored_png(found: Strips, file: IO[bytes]) -> None:
    """Write a PNG that is not compressed: libvips reads it row by row, where it would map a file of bare samples."""
    colour_type = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}[mode_of(found.grey, found.has_alpha)]

    def write_chunk(kind: bytes, body: bytes) -> None:
        file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))))

    file.write(b"\x89PNG\r\n\x1a\n")
    write_chunk(b"IHDR", struct.pack(">IIBBBBB", found.width, found.height, 8, colour_type, 0, 0, 0))
    packer = zlib.compressobj(0)
    for pixels, alpha in found.strips():
        count = max(1, MOST_PACKED // found.width)
        for top in range(0, len(pixels), count):
            samples = pixels[top : top + count, :, : 1 if found.grey else 3]
            samples = samples if alpha is None else np.dstack([samples, alpha[top : top + count]])
            # Each line begins with its filter's number: none.
            lines = np.zeros((len(samples), 1 + samples[0].size), np.uint8)
            lines[:, 1:] = samples.reshape(len(samples), -1)
            write_chunk(b"IDAT", packer.compress(lines.tobytes()))
    write_chunk(b"IDAT", packer.flush())
    write_chunk(b"IEND", b"")


def _convert(stored: Path, metadata: Metadata, profile: bytes, name: str, file: IO[bytes]) -> None:
    """Write the picture that a PNG holds, with its metadata."""
    suffix, options = SAVED_AS[name]
    across, down = metadata.resolution or NO_RESOLUTION
    image = vips().Image.new_from_file(str(stored), access="sequential").copy(xres=across / INCH, yres=down / INCH)
    profile = coloured(profile) if name == "WEBP" and profile else profile
    blobs = {"icc-profile": profile, "exif": metadata.exif, "xmp": metadata.xmp}
    kept = {field: blob for field, blob in blobs.items() if blob}
    for field, blob in kept.items():
        image.set_type(vips().GValue.blob_type, f"{field}-data", blob)
    image.set_type(vips().GValue.gint_type, "orientation", orientation_of(metadata))
    options = f"[{options},keep={':'.join(kept).replace('icc-profile', 'icc') or 'none'}]"
    image.write_to_target(vips().Target.new_to_descriptor(file.fileno()), suffix + options)
