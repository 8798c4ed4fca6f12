"""Pictures by Pillow: whatever it opens becomes 8-bit RGB, alpha and metadata.

Orientation stays in the EXIF data, as the camera wrote it; pixels are not turned. (Pillow itself turns TIFFs upright.)
"""

import logging
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from trellic.errors import BadRequest, TrellicError, UnreadablePicture
from trellic.limits import MOST_PIXELS, check_size
from trellic.picture import samples
from trellic.picture.bands import bands_of, is_georeferenced, is_signed
from trellic.picture.carry import carried_by
from trellic.picture.chunks import colour_code
from trellic.picture.colour import (
    colours_by_code,
    colours_by_gamma,
    colours_by_profile,
    from_cmyk,
    is_for_colour,
    profile_of,
)
from trellic.picture.depth import bits_of_samples
from trellic.picture.metadata import ColourSpace, Metadata
from trellic.picture.payloads import METADATA_LIMIT
from trellic.picture.types import Converted, Picture, Strips, is_grey, mode_of, warn, warn_of_samples

logging.getLogger("PIL").addHandler(logging.NullHandler())  # what it says of a file is raised, too

AnyPicture = Image.Image | npt.NDArray[np.uint8] | str | PathLike[str] | IO[bytes]
"""What callers may call a picture: an image, an array, a path, or a file open in binary mode."""
SMALL = {"L", "LA", "RGB", "RGBA"}
"""Modes of 8-bit samples."""
STACKED = {"MPO", "PSD"}
"""Kinds whose further frames are previews or layers of the first."""
TIFF_EXIF = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
"""Tags of a TIFF that say something of the picture, and not of the file."""
IPTC = 0x0404
"""Of Photoshop's resources."""
TEXTS_KEPT = {"XML:com.adobe.xmp", "Raw profile type exif"}


def lift_pillows_limit() -> None:
    """Let Pillow open pictures of any size, in the whole process: for programs where `check_size` is the limit."""
    Image.MAX_IMAGE_PIXELS = None


def read(source: Path | IO[bytes], limit: int = MOST_PIXELS) -> Picture:
    """Read a picture file. Raises UnreadablePicture or PictureTooLarge."""
    with _reading(), Image.open(source) as image:
        check_size(*image.size, limit)
        return from_pillow(image)


def picture_of(source: AnyPicture, limit: int = MOST_PIXELS) -> Picture:
    """Return whatever a caller calls a picture.

    source  a Pillow image of any mode; an array, uint8 (H, W) or (H, W, 3 or 4); a path; or a file, open in binary mode
    Raises BadRequest where it is none of these, UnreadablePicture or PictureTooLarge.
    """
    if isinstance(source, str | PathLike):
        return read(Path(source), limit)
    if isinstance(source, np.ndarray):
        if (
            source.dtype != np.uint8
            or source.ndim not in {2, 3}
            or (source.ndim == 3 and source.shape[2] not in {3, 4})
        ):
            what = f"an array {source.dtype} {source.shape}"
            raise BadRequest(f"{what} is no picture; uint8 (H, W) or (H, W, 3 or 4) is")
        check_size(source.shape[1], source.shape[0], limit)
        return from_pillow(Image.fromarray(source))
    if isinstance(source, Image.Image):
        check_size(*source.size, limit)
        return from_pillow(source)
    if hasattr(source, "read"):
        return read(source, limit)
    raise BadRequest(f"a {type(source).__name__} is no picture; a Pillow image, an array, a path or an open file is")


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
    except (TrellicError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePicture("cannot be read as a picture: it is of no kind that Pillow knows") from error
    except Exception as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error)
        reason = next(iter(said.splitlines()), type(error).__name__)
        raise UnreadablePicture(f"cannot be read as a picture: {reason}") from error


def readable(paths: Iterable[Path], report: Callable[[str], None]) -> Iterator[tuple[Path, Picture]]:
    """Yield the pictures that can be read, and report those that cannot, and what is converted."""
    for path in paths:
        try:
            with warnings.catch_warnings(record=True) as converted:
                warnings.simplefilter("always", Converted)
                picture = read(path)
        except (TrellicError, MemoryError) as error:
            report(f"{path}: skipped, {str(error) or 'not enough memory'}")
            continue
        for warning in converted:
            report(f"{path}: {warning.message}")
        yield path, picture


def from_pillow(image: Image.Image) -> Picture:
    """Convert a Pillow image of any mode; warns `Converted` where that loses something."""
    warn_of_frames(image)
    code, tags = colour_code(image), getattr(image, "tag_v2", {})  # of a TIFF
    bands = bands_of(tags)
    bands.check()
    bits, loaded = bits_of_samples(image), samples.load(image)
    if bits > 8 and loaded.mode in SMALL:
        warn_of_samples(f"{bits}-bit samples reduced to 8 bits")
    if tags and not bands.has_alpha and loaded.mode in {"LA", "RGBA"}:  # Pillow's guess
        loaded = loaded.convert(loaded.mode[:-1])
    profile = loaded.info.get("icc_profile") or b""
    plain = loaded.convert({"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}.get(loaded.mode, loaded.mode))
    if plain.has_transparency_data and plain.mode in {"1", "L", "P", "RGB"}:
        plain = plain.convert("LA" if plain.mode in {"1", "L"} else "RGBA")
    elif plain.mode == "L" and is_signed(tags):
        plain = samples.from_wide_grey(Image.fromarray(np.asarray(plain).view(np.int8).astype(np.int32)))
    elif plain.mode.startswith("I") or plain.mode == "F":
        plain = samples.from_wide_grey(plain)
    elif plain.mode == "CMYK":
        plain, profile = from_cmyk(plain, profile), b""
    elif plain.mode in {"YCbCr", "LAB", "HSV"}:
        warn_of_samples(f"{plain.mode} converted to RGB")
        profile = profile if plain.mode == "YCbCr" else b""  # a profile of LAB is none of RGB
    alpha = None
    if plain.mode in {"LA", "RGBA"}:
        plane = np.asarray(plain.getchannel("A"))
        alpha = plane if int(plane.min()) < 255 else None
    if plain.mode in {"1", "LA"}:
        plain = plain.convert("L")
    pixels = np.asarray(plain.convert("RGB"))
    grey = plain.mode == "L" or is_grey(pixels)
    picture = Picture(pixels, grey, alpha, metadata_of(image, profile, code, grey))
    return replace(picture, carried=carried_by(image, picture))


def warn_of_frames(image: Image.Image) -> None:
    """Say where an image is one of several."""
    frames = 1 if image.format in STACKED else getattr(image, "n_frames", 1)
    if frames > 1:
        warn(f"{'one' if image.tell() else 'the first'} of {frames} frames")


def metadata_of(image: Image.Image, profile: bytes, code: tuple[int, int, bool] | None, grey: bool) -> Metadata:
    """Return the metadata of a loaded image; warns of metadata that is not kept.

    code  primaries, transfer and full range by H.273, where the file says them
    """
    colours = colours_by_code(*code, grey) if code else None
    if image.format and not image.info.get("icc_profile", b"whole"):  # Pillow's words for one that is not: None, b""
        warn("unsound profile dropped")
    if colours is None and profile:
        colours = colours_by_profile(profile, grey)
    elif colours is None and "srgb" in image.info:
        colours = Metadata(ColourSpace.SRGB)
    elif colours is None and not {"gamma", "chromaticity"}.isdisjoint(image.info):
        colours = colours_by_gamma(image.info.get("gamma"), image.info.get("chromaticity"), grey)
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""  # the latter in text that is deflated
    xmp = xmp.encode("latin-1", "replace") if isinstance(xmp, str) else xmp
    lost = ["comment"] if image.info.get("comment") else []
    lost += ["georeferencing"] if is_georeferenced(getattr(image, "tag_v2", {})) else []
    lost += ["IPTC data"] if IPTC in image.info.get("photoshop", {}) else []
    texts = {key for key, value in image.info.items() if image.format == "PNG" and isinstance(value, str)}
    lost += ["text"] if texts - TEXTS_KEPT else []
    if lost:
        warn(f"not kept: {', '.join(lost)}")
    return bounded(replace(colours or Metadata(), exif=_exif_of(image), xmp=xmp, resolution=_resolution_of(image)))


def bounded(found: Metadata) -> Metadata:
    """Return metadata without what is too large for a stream, and a warning."""
    for name in ("icc", "exif", "xmp"):
        if len(getattr(found, name)) > METADATA_LIMIT:
            warn(f"{name} of more than {METADATA_LIMIT >> 20} MiB dropped")
            found = found.without(name)
    return found


def _exif_of(image: Image.Image) -> bytes:
    """Return an image's EXIF block, also where it lies in a TIFF's own tags, or as text."""
    if image.format == "TIFF":
        found, kept = image.getexif(), Image.Exif()
        for tag in (tag for tag in TIFF_EXIF if tag in found):
            kept[tag] = found[tag]
        for part in (part for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo) if part in found):
            kept[part] = found.get_ifd(part)
        return kept.tobytes() if len(kept) else b""
    if "exif" not in image.info and "Raw profile type exif" in image.info:
        return image.getexif().tobytes()
    return image.info.get("exif") or b""


def _resolution_of(image: Image.Image) -> tuple[float, float] | None:
    """Return pixels per inch, where the file itself says them."""
    if image.format in {"JPEG", "MPO"} and not image.info.get("jfif_unit"):  # Pillow assumes 72, or reads the EXIF data
        return None
    try:
        across, down = (float(axis) for axis in image.info["dpi"])
    except (KeyError, TypeError, ValueError):
        return None
    sound = all(math.isfinite(axis) and axis > 1 for axis in (across, down))
    return (across, down) if sound else None


def to_pillow(picture: Picture) -> Image.Image:
    """Return the Pillow image, its metadata in `info`, where Pillow's writers look for them."""
    mode = shown_mode(picture.metadata, picture.grey, has_alpha=False)
    image = Image.fromarray(np.ascontiguousarray(picture.pixels[:, :, 0]) if mode == "L" else picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    image.info |= info_of(picture.metadata, picture.grey)
    return image


def strips_to_pillow(strips: Strips) -> Image.Image:
    """Return the Pillow image of a picture that comes in strips, whose parts are not held together."""
    image = None
    for left, top, pixels, alpha in strips.parts:
        part = to_pillow(Picture(pixels, strips.grey, alpha, strips.metadata))
        if part.size == (strips.width, strips.height):
            return part
        if image is None:
            image = Image.new(part.mode, (strips.width, strips.height), None)
            image.info = part.info
        image.paste(part, (left, top))
        del part, pixels, alpha  # before the next is decoded
    assert image is not None
    return image


def shown_mode(metadata: Metadata, grey: bool, has_alpha: bool) -> str:
    """Return the mode that a decoded picture gets: one channel where it is grey, unless its profile is for three."""
    return mode_of(grey and not is_for_colour(profile_of(metadata, grey)), has_alpha)


def info_of(metadata: Metadata, grey: bool) -> dict[str | tuple[int, int], Any]:
    """Return metadata by the names that Pillow gives them in an image's `info`."""
    profile = profile_of(metadata, grey)
    found = {"icc_profile": profile, "exif": metadata.exif, "xmp": metadata.xmp, "dpi": metadata.resolution}
    return {key: value for key, value in found.items() if value}
