"""Pictures in and out: whatever Pillow opens becomes 8-bit RGB, alpha and metadata, and comes back.

Orientation stays in the EXIF data, as the camera wrote it; pixels are not turned. (Pillow itself turns TIFFs upright.)
"""

import io
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from trellic.container.header import LARGEST_SIDE, MOST_PIXELS
from trellic.errors import BadRequest, DamagedStream, PictureTooLarge, TrellicError, UnreadablePicture
from trellic.files import write_atomically

Pixels = npt.NDArray[np.uint8]

METADATA_LIMIT = 1 << 24
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


class Converted(UserWarning):
    """A picture had to be converted before coding, and what that lost."""


class Source(Protocol):
    """What can be coded: a picture that gives its rows when asked, held in memory or read as it goes.

    width, height  in pixels
    grey           whether all three channels are one
    icc            colour profile, or empty; exif: EXIF block, or empty
    """

    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def height(self) -> int: ...  # noqa: D102
    @property
    def grey(self) -> bool: ...  # noqa: D102
    @property
    def icc(self) -> bytes: ...  # noqa: D102
    @property
    def exif(self) -> bytes: ...  # noqa: D102

    def rows(self, top: int, bottom: int) -> tuple[Pixels, Pixels | None]:
        """Return rows, uint8 (bottom − top, W, 3), and their alpha, (bottom − top, W), or None where there is none.

        Rows are asked for from top to bottom, some of them twice; or from the top again.
        """


@dataclass(frozen=True)
class Picture:
    """A picture ready for coding, held in memory: a `Source`.

    pixels  uint8 (H, W, 3)
    grey    whether all three channels are one
    alpha   uint8 (H, W), or None where everything is opaque
    icc     colour profile, or empty; exif: EXIF block, or empty
    """

    pixels: Pixels
    grey: bool = False
    alpha: Pixels | None = None
    icc: bytes = b""
    exif: bytes = b""

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Rows."""
        return self.pixels.shape[0]

    def rows(self, top: int, bottom: int) -> tuple[Pixels, Pixels | None]:
        """Return rows and their alpha, as a `Source` does."""
        return self.pixels[top:bottom], self.alpha[top:bottom] if self.alpha is not None else None


def mode_of(grey: bool, has_alpha: bool) -> str:
    """Return the mode of the Pillow image that a decoded picture becomes."""
    return ("L" if grey else "RGB") + ("A" if has_alpha else "")


def interleave(planes: Pixels, pixels: Pixels) -> None:
    """Put planes, uint8 (3, H, W), into pixels, (H, W, 3): three strided copies are quicker than one transposed."""
    for channel in range(3):
        pixels[:, :, channel] = planes[channel]


def check_size(width: int, height: int, limit: int) -> None:
    """Raise PictureTooLarge where a picture has more pixels than `limit`, or a side that no stream can say.

    Raises BadRequest where it has none.
    """
    if min(width, height) < 1:
        raise BadRequest(f"a picture of {width}×{height} has no pixels")
    if width * height > limit:
        raise PictureTooLarge(f"{width}×{height} is more than the limit of {limit} pixels (it can be raised)")
    if max(width, height) > LARGEST_SIDE:
        raise PictureTooLarge(f"{width}×{height}: no side may be longer than {LARGEST_SIDE}")


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
        image = _to_eight_bits(image)
    elif mode == "CMYK":
        image, icc = _from_cmyk(image, icc), b""
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
    return Picture(np.asarray(image.convert("RGB")), grey, alpha, icc, exif)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale wider samples to 8 bits: integers as 16-bit, floats as 0 to 1, anything else by its own range."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode != "F" and low >= 0 and high <= 65535:
        eight, told = values / 257, "16-bit samples rounded to 8 bits"
    elif image.mode == "F" and low >= 0 and high <= 1:
        eight, told = values * 255, "samples from 0 to 1 rounded to 8 bits"
    elif low >= 0 and high <= 255:
        eight, told = values, "samples rounded to 8 bits"
    else:
        eight, told = (
            (values - low) * (255 / max(high - low, 1e-12)),
            f"samples {low:g} to {high:g} stretched to 8 bits",
        )
    warnings.warn(told, Converted, stacklevel=3)
    reduced = Image.fromarray(np.rint(eight).astype(np.uint8))
    if isinstance(clear := image.info.get("transparency"), int):  # the value that stands for nothing at all
        reduced.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return reduced


def _from_cmyk(image: Image.Image, icc: bytes) -> Image.Image:
    """Convert CMYK through its profile where it has a sound one, else by Pillow's formula."""
    warnings.warn("CMYK converted to sRGB", Converted, stacklevel=3)
    if icc:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            return image.convert("RGB")
        if converted is not None:
            return converted
    return image.convert("RGB")


def to_pillow(picture: Picture) -> Image.Image:
    """Return the Pillow image, its profile and EXIF data in `info`, where Pillow's writers look for them."""
    image = Image.fromarray(picture.pixels)
    if picture.grey:
        image = Image.fromarray(np.ascontiguousarray(picture.pixels[:, :, 0]))
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    if picture.icc:
        image.info["icc_profile"] = picture.icc
    if picture.exif:
        image.info["exif"] = picture.exif
    return image


def kind_of(suffix: str) -> str:
    """Return what Pillow calls pictures of a suffix. Raises BadRequest where it cannot write them."""
    kind = Image.registered_extensions().get(suffix.lower(), "")
    if kind not in Image.SAVE:
        raise BadRequest(f"pictures of kind {suffix or '(no suffix)'} cannot be written")
    return kind


def save(image: Image.Image, path: Path) -> None:
    """Write a decoded picture by its suffix, whole or not at all. Raises BadRequest for what Pillow cannot write."""
    kind = kind_of(path.suffix)
    if kind == "JPEG" and image.mode in {"RGBA", "LA"}:
        raise BadRequest(f"{path}: JPEG has no alpha; choose another kind")
    kept = {key: image.info[key] for key in ("icc_profile", "exif") if image.info.get(key)}
    chosen: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 95},
        "PNG": {"compress_level": 3},  # four times as quick as the usual level, for a few per cent more
        "WEBP": {"lossless": True},
    }
    options = {**kept, **chosen.get(kind, {})}
    try:
        write_atomically(path, lambda file: image.save(file, kind, **options))
    except OSError:
        raise
    except Exception as error:  # what the kind cannot hold: a side, a mode, a long or damaged EXIF block
        raise BadRequest(f"{path}: cannot be written as {kind} ({error})") from error


def pack_alpha(alpha: Pixels) -> bytes:
    """Return the alpha plane, exactly, as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(alpha).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def unpack_alpha(data: bytes, width: int, height: int) -> Pixels:
    """Return what `pack_alpha` packed, uint8 (H, W). Raises DamagedStream."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            found = f"{image.size[0]}×{image.size[1]} {image.mode}"
            alpha = np.array(image) if found == f"{width}×{height} L" else None
    except Exception as error:  # damaged chunks make Pillow raise errors of any kind
        raise DamagedStream("alpha cannot be read") from error
    if alpha is None or alpha.shape != (height, width):  # chunks after the header may change the size
        raise DamagedStream(f"alpha is {found}")
    return alpha


def pack_metadata(data: bytes) -> bytes:
    """Return compressed metadata. Raises BadRequest where a decoder would refuse it."""
    if len(data) > METADATA_LIMIT:
        raise BadRequest(f"{len(data)} bytes of metadata are more than a file may carry ({METADATA_LIMIT})")
    return zlib.compress(data, 9)


def unpack_metadata(data: bytes) -> bytes:
    """Return what `pack_metadata` packed, at most 16 MiB. Raises DamagedStream."""
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(data, METADATA_LIMIT + 1)
    except zlib.error as error:
        raise DamagedStream("metadata cannot be read") from error
    if len(plain) > METADATA_LIMIT or not inflater.eof:
        raise DamagedStream("metadata is truncated or larger than 16 MiB")
    return plain
