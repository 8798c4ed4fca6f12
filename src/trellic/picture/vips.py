"""Pictures that are too large to hold: read strip by strip, by libvips where it is installed.

`pip install "trellic[large]"` brings it. Without it, pictures of any size go through Pillow, and are held in memory.
"""

import contextlib
import ctypes
import io
import warnings
from collections.abc import Set
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from trellic.errors import UnreadablePicture
from trellic.files import STANDARD, read_pipe
from trellic.limits import check_size
from trellic.picture.bands import Bands, bands_of, is_georeferenced, tags_of
from trellic.picture.chunks import behind_pixels, colour_code
from trellic.picture.colour import colours_by_profile
from trellic.picture.metadata import Metadata
from trellic.picture.orientation import parsed
from trellic.picture.pillow import bounded, metadata_of, read, size_of, warn_of_frames
from trellic.picture.samples import from_floats, to_eight, warn_rounded
from trellic.picture.stripping import stripped
from trellic.picture.types import Picture, Pixels, Source, is_grey, warn, warn_of_samples

LARGE = 1 << 24
"""Pixels from which on a picture is not held in memory, where that can be avoided."""
MMAP_THRESHOLD, LARGE_BLOCK = -3, 1 << 20
MOST_ARENAS = -8
"""glibc's numbers for two parameters of malloc, and bytes."""
LINES = 64
"""To read or write at a time."""
PLAIN = {"srgb", "rgb", "b-w", "multiband", "rgb16", "grey16"}
"""The colour interpretations of libvips that need no conversion."""
LOADERS = {f"{kind}load" for kind in ("heif", "jp2k", "jpeg", "jxl", "openexr", "png", "ppm", "rad", "tiff", "webp")}
"""Those of libvips whose files are pictures made of samples."""


def is_large(width: int, height: int) -> bool:
    """Return whether a picture of this size is better read or written in strips."""
    return width * height > LARGE


@cache
def vips() -> Any:
    """Return pyvips, which keeps no files open once they are done with."""
    import pyvips

    pyvips.cache_set_max(0)
    return pyvips


def give_back_freed_memory() -> None:
    """Have glibc return large blocks to the system as soon as they are freed, in the whole process.

    It learns to keep them, and for each thread apart, which costs hundreds of megabytes once tiles of many sizes have
    come and gone.
    """
    with contextlib.suppress(OSError, AttributeError):  # where there is no glibc
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(MMAP_THRESHOLD, LARGE_BLOCK)
        libc.mallopt(MOST_ARENAS, 1)


def open_source(path: Path, limit: int, dropped: Set[str] = frozenset()) -> Source:
    """Return a picture file, in memory where it is not large, or not of a kind that is read in strips.

    path     STANDARD is standard input
    dropped  metadata to strip
    Raises UnreadablePicture or PictureTooLarge.
    """
    try:
        source = read(io.BytesIO(read_pipe(path)), limit) if path == STANDARD else _read_usual(path, limit)
    except UnreadablePicture:
        unusual = _read_unusual(path, limit) if find_spec("pyvips") is not None and path.is_file() else None
        if unusual is None:
            raise
        source = unusual
    metadata = stripped(source.metadata, dropped)
    if isinstance(source, Picture):
        return replace(source, metadata=metadata)
    source.metadata = metadata
    return source


def _read_usual(path: Path, limit: int) -> "Picture | StripReader":
    """Return a picture of a kind that Pillow reads."""
    if path.is_file() and is_large(*size_of(path)) and find_spec("pyvips") is not None:
        image = _open(path)
        if image is not None:
            return StripReader(path, image, limit)
    if path.exists() and not path.is_file():  # a pipe, which cannot be read twice
        return read(io.BytesIO(read_pipe(path)), limit)
    return read(path, limit)


def _read_unusual(path: Path, limit: int) -> Picture | None:
    """Return a picture that Pillow does not read, as one of float colour samples; None where it is of no kind for that.

    libvips reads much else: documents, drawings, tables.
    """
    try:
        image = vips().Image.new_from_file(str(path), fail_on="truncated")
        usual = image.format in {"uchar", "ushort", "float", "double"} and image.interpretation in PLAIN | {"scrgb"}
        if not usual or image.get("vips-loader") not in LOADERS:
            return None
        check_size(image.width, image.height, limit)
        tags = tags_of(path)
        bands = bands_of(tags)
        if sum(bands) != image.bands:  # no TIFF, or one that libvips converted
            bands = Bands(1 if image.bands < 3 else 3, image.bands in {2, 4}, 0)
        bands.check()
        values = image.numpy().reshape(image.height, image.width, -1)
    except vips().Error:
        return None
    if is_georeferenced(tags):
        warn("not kept: georeferencing")
    count = bands.colours
    parts = [values[:, :, :count], *([values[:, :, count : count + 1]] if bands.has_alpha else [])]
    if image.format in {"float", "double"}:
        parts = [from_floats(part) for part in parts]
    elif image.format == "ushort":
        parts = [to_eight(part) for part in parts]
        warn_rounded(parts[0])
    pixels = np.ascontiguousarray(np.broadcast_to(parts[0], (image.height, image.width, 3)))
    alpha = parts[1][:, :, 0] if len(parts) > 1 and parts[1].min() < 255 else None
    grey = is_grey(pixels)
    return Picture(pixels, grey, alpha, _metadata_in(image, grey))


def _metadata_in(image: Any, grey: bool) -> Metadata:
    """Return the metadata that libvips found. What it has turned upright itself has no orientation any more."""

    def field(name: str) -> bytes:
        return bytes(image.get(name)) if image.get_typeof(name) else b""

    exif, profile, xmp = parsed(field("exif-data")) or Image.Exif(), field("icc-profile-data"), field("xmp-data")
    orientation = image.get("orientation") if image.get_typeof("orientation") else 1
    if len(exif) or xmp or orientation > 1:
        exif[ExifTags.Base.Orientation] = orientation
    colours = colours_by_profile(profile, grey) if profile else Metadata()
    return bounded(replace(colours, exif=exif.tobytes() if len(exif) else b"", xmp=xmp))


def _open(path: Path) -> Any:
    """Return a picture as libvips sees it, or None where Pillow would make something else of it.

    That is: other colours than grey and RGB, samples of neither 8 nor 16 bits, and a TIFF that must be turned, or has
    bands beside colours and alpha.
    """
    try:
        image = vips().Image.new_from_file(str(path), access="sequential", fail_on="truncated")
        plain = image.interpretation in PLAIN and image.format in {"uchar", "ushort"} and image.bands <= 4
        turned = path.suffix.lower() in {".tif", ".tiff"} and image.get_typeof("orientation")
        others = image.bands > 1 and bands_of(tags_of(path)).others
        if not plain or others or (turned and image.get("orientation") > 1):
            return None
    except vips().Error:
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
        self.grey = self.grey or self._is_grey()
        self.metadata = _metadata_of(path, self.grey)
        self._start(image)
        if image.get_typeof("bits-per-sample") and image.get("bits-per-sample") > 8:
            warn_of_samples("16-bit samples rounded to 8 bits")

    def _is_grey(self) -> bool:
        """Return whether red, green and blue are one; for most pictures the first lines decide."""
        first, image = _open(self.path), _open(self.path)
        if not is_grey(np.asarray(first.crop(0, 0, self.width, min(LINES, self.height)).numpy())[:, :, :3]):
            return False
        red, green, blue = image[0], image[1], image[2]
        try:
            return bool(((red == green) & (green == blue)).min())
        except vips().Error:  # a damaged picture; `rows` raises
            return False

    def _start(self, image: Any) -> None:
        """Read from the top."""
        self._region = vips().Region.new(image)
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
        except vips().Error as error:
            raise UnreadablePicture(f"cannot be read as a picture: {reason_of(error)}") from error
        self._kept_from, self._kept = top, kept
        has_alpha = kept.shape[2] in {2, 4}
        colours = kept[:, :, :-1] if has_alpha else kept
        pixels = np.repeat(colours, 3, axis=2) if colours.shape[2] == 1 else colours
        return pixels, kept[:, :, -1] if has_alpha else None


def _metadata_of(path: Path, grey: bool) -> Metadata:
    """Return the metadata of a picture file, as `trellic.picture.pillow` reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(path)
    with image:
        for name, value in behind_pixels(image).items():
            image.info[name] = value
        warn_of_frames(image)
        return metadata_of(image, image.info.get("icc_profile") or b"", colour_code(image), grey)


def reason_of(error: Exception) -> str:
    """Return libvips's message in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
