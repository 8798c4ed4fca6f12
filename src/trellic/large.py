"""Pictures that are too large to hold: read and written strip by strip, by libvips where it is installed.

`pip install "trellic[large]"` brings it. Without it, pictures of any size go through Pillow, and are held in memory.
"""

import contextlib
import ctypes
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trellic.errors import BadRequest, UnreadablePicture
from trellic.files import temporary_beside, write_atomically
from trellic.image import Converted, Pixels, Source, check_size, read, size_of

if TYPE_CHECKING:
    from trellic.codec.codec import Strips

LARGE = 1 << 24
"""Pixels from which on a picture is not held in memory, where that can be avoided."""
MMAP_THRESHOLD, LARGE_BLOCK = -3, 1 << 22
"""glibc's number for this parameter of malloc, and bytes."""
SAVED_AS = {
    ".png": "[compression=3]",
    ".jpg": "[Q=95,subsample_mode=off]",
    ".jpeg": "[Q=95,subsample_mode=off]",
    ".webp": "[lossless]",
    ".tif": "[bigtiff,compression=deflate]",
    ".tiff": "[bigtiff,compression=deflate]",
}
"""What libvips is asked to write, by suffix; options as in `trellic.image.save`."""


def is_streamed(width: int, height: int) -> bool:
    """Return whether a picture of this size is read or written in strips."""
    return width * height > LARGE and find_spec("pyvips") is not None


def give_back_freed_memory() -> None:
    """Have glibc return large blocks to the system as soon as they are freed, in the whole process.

    It learns to keep them, which costs hundreds of megabytes once tiles of many sizes have come and gone.
    """
    with contextlib.suppress(OSError, AttributeError):  # where there is no glibc
        ctypes.CDLL("libc.so.6").mallopt(MMAP_THRESHOLD, LARGE_BLOCK)


def open_source(path: Path, limit: int) -> Source:
    """Return a picture file, in memory where it is not large. Raises UnreadablePicture or PictureTooLarge."""
    return StripReader(path, limit) if is_streamed(*size_of(path)) else read(path, limit)


class StripReader:
    """A picture file that gives its rows when asked: a `trellic.image.Source`.

    Raises UnreadablePicture, here and from `rows`, or PictureTooLarge.
    """

    def __init__(self, path: Path, limit: int) -> None:
        give_back_freed_memory()
        self.path = path
        self._kept_from, self._kept = 0, np.empty((0, 0, 0), np.uint8)
        self._open()
        self.width, self.height = int(self._image.width), int(self._image.height)
        check_size(self.width, self.height, limit)
        self.grey = self._image.bands < 3
        self.icc, self.exif = (self._blob(field) for field in ("icc-profile-data", "exif-data"))

    def rows(self, top: int, bottom: int) -> tuple[Pixels, Pixels | None]:
        """Return rows and their alpha, as a `Source` does; those that were read last are kept."""
        import pyvips

        if top < self._kept_from:
            self._open()
        done = self._kept_from + len(self._kept)
        new = self._kept[:0]
        if bottom > done:
            try:
                fetched = self._region.fetch(0, done, self.width, bottom - done)
            except pyvips.Error as error:
                raise UnreadablePicture(_reason(error)) from error
            new = np.frombuffer(fetched, np.uint8).reshape(bottom - done, self.width, -1)
        self._kept = np.concatenate([self._kept[top - self._kept_from :], new[max(0, top - done) :]])
        self._kept_from = top
        kept = self._kept[: bottom - top]
        has_alpha = kept.shape[2] in {2, 4}
        colours = kept[:, :, :-1] if has_alpha else kept
        pixels = np.repeat(colours, 3, axis=2) if self.grey else colours
        return pixels, kept[:, :, -1] if has_alpha else None

    def _open(self) -> None:
        import pyvips

        try:
            image = pyvips.Image.new_from_file(str(self.path), access="sequential", fail_on="truncated")
            if image.format == "ushort":
                warnings.warn("16-bit samples rounded to 8 bits", Converted, stacklevel=2)
                image = (image / 257).rint().cast("uchar").copy(interpretation="srgb" if image.bands > 2 else "b-w")
            if image.format != "uchar":
                raise UnreadablePicture(f"samples of type {image.format} are not read from pictures this large")
            if image.interpretation not in {"srgb", "b-w", "rgb", "multiband"}:
                warnings.warn(f"{image.interpretation} converted to sRGB", Converted, stacklevel=2)
                image = image.colourspace("srgb")
            if image.bands > 4:
                raise UnreadablePicture(f"{image.bands} channels are not a picture")
        except pyvips.Error as error:
            raise UnreadablePicture(_reason(error)) from error
        self._image, self._region = image, pyvips.Region.new(image)
        self._kept_from, self._kept = 0, np.empty((0, image.width, image.bands), np.uint8)

    def _blob(self, field: str) -> bytes:
        return bytes(self._image.get(field)) if self._image.get_typeof(field) else b""


def write_strips(found: "Strips", path: Path) -> None:
    """Write a decoded picture that comes in strips, by the path's suffix, whole or not at all.

    The pixels wait in a file beside it until all are there. Raises BadRequest for what cannot be written.
    """
    import pyvips

    give_back_freed_memory()
    saved_as = SAVED_AS.get(path.suffix.lower())
    if saved_as is None:
        kinds = ", ".join(sorted(SAVED_AS))
        raise BadRequest(
            f"{path}: pictures this large are not written as {path.suffix or '(no suffix)'}, but as {kinds}"
        )
    with temporary_beside(path) as waiting:
        with waiting.open("wb") as raw:
            for pixels, alpha in found.strips:
                colours = pixels[:, :, :1] if found.grey else pixels
                raw.write((colours if alpha is None else np.dstack([colours, alpha])).tobytes())
        bands = (1 if found.grey else 3) + found.has_alpha
        image = pyvips.Image.rawload(str(waiting), found.width, found.height, bands, access="sequential")
        image = image.copy(interpretation="b-w" if found.grey else "srgb")
        for field, blob in (("icc-profile-data", found.icc), ("exif-data", found.exif)):
            if blob:
                image.set_type(pyvips.GValue.blob_type, field, blob)

        def write(file: Any) -> None:
            image.write_to_target(pyvips.Target.new_to_descriptor(file.fileno()), path.suffix.lower() + saved_as)

        try:
            write_atomically(path, write)
        except pyvips.Error as error:
            raise BadRequest(f"{path}: cannot be written as {path.suffix} ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    """Return libvips's message in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"cannot be read as a picture: {lines[-1] if lines else type(error).__name__}"
