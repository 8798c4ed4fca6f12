"""Pictures by Pillow: whatever it opens becomes 8-bit RGB, alpha and metadata.

Orientation stays in the EXIF data, as the camera wrote it; pixels are not turned. (Pillow itself turns TIFFs upright.)
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from trellic.errors import TrellicError, UnreadablePicture
from trellic.limits import MOST_PIXELS, check_size
from trellic.picture.colour import from_cmyk
from trellic.picture.metadata import Metadata
from trellic.picture.samples import to_eight_bits
from trellic.picture.types import Converted, Picture

SUFFIXES = (
    ".avif",
    ".bmp",
    ".gif",
    ".jp2",
    ".jpeg",
    ".jpg",
    ".jxl",
    ".png",
    ".pgm",
    ".ppm",
    ".tga",
    ".tif",
    ".tiff",
    ".webp",
)
"""What counts as a picture where a folder is named."""


def lift_pillows_limit() -> None:
    """Let Pillow open pictures of any size, in the whole process: for programs where `check_size` is the limit."""
    Image.MAX_IMAGE_PIXELS = None


def read(path: Path, limit: int = MOST_PIXELS) -> Picture:
    """Read a picture file. Raises UnreadablePicture or PictureTooLarge."""
    with _reading():
        with Image.open(path) as image:
            check_size(*image.size, limit)
            wide = image.mode in {"RGB", "RGBA"} and any(";16" in str(tile[3]) for tile in image.tile)
            frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # MPO: a photograph and its preview
            image.load()
        if wide:  # Pillow keeps the upper halves
            warnings.warn("16-bit colour samples cut to 8 bits", Converted, stacklevel=2)
        if frames > 1:
            warnings.warn(f"the first of {frames} frames", Converted, stacklevel=2)
        return from_pillow(image)


def size_of(path: Path) -> tuple[int, int]:
    """Return the width and height of what `read` would read, from its header alone. Raises UnreadablePicture."""
    with _reading(), Image.open(path) as image:
        return image.size


@contextmanager
def _reading() -> Iterator[None]:
    """Turn what Pillow raises on a damaged file, which may be anything, into UnreadablePicture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # check_size is the limit here
            yield
    except TrellicError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UnreadablePicture(f"cannot be read as a picture: {reason}") from error


def readable(paths: Iterable[Path], report: Callable[[str], None]) -> Iterator[tuple[Path, Picture]]:
    """Yield the pictures that can be read, and report those that cannot."""
    for path in paths:
        try:
            yield path, read(path)
        except TrellicError as error:
            report(f"{path}: left out, {error}")


def from_pillow(image: Image.Image) -> Picture:
    """Convert a Pillow image of any mode; warns `Converted` where that loses something."""
    image.load()  # some formats keep metadata behind the pixels
    icc = image.info.get("icc_profile") or b""
    exif = image.info.get("exif") or b""
    image = image.convert({"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}.get(image.mode, image.mode))
    mode = image.mode
    if image.has_transparency_data and mode in {"1", "L", "P", "RGB"}:
        image = image.convert("RGBA")
    elif mode.startswith("I") or mode == "F":
        image = to_eight_bits(image)
    elif mode == "CMYK":
        image, icc = from_cmyk(image, icc), b""
    elif mode in {"YCbCr", "LAB", "HSV"}:
        warnings.warn(f"{mode} converted to RGB", Converted, stacklevel=2)
        icc = icc if mode == "YCbCr" else b""  # a profile of LAB is none of RGB
    alpha = None
    if image.mode in {"LA", "RGBA"}:
        plane = np.asarray(image.getchannel("A"))
        alpha = plane if int(plane.min()) < 255 else None
    grey = image.mode in {"1", "L", "LA"}
    if grey:
        image = image.convert("L")
    return Picture(np.asarray(image.convert("RGB")), grey, alpha, Metadata(icc=icc, exif=exif))
