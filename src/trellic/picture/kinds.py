"""What each format of picture files can hold, and the options to write it with Pillow."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from PIL import Image

from trellic.errors import BadRequest
from trellic.picture.metadata import EVERYTHING

ALL, COLOURED, OPAQUE = {"L", "LA", "RGB", "RGBA"}, {"RGB", "RGBA"}, {"L", "RGB"}
"""Pillow's modes."""
UNREAD = frozenset({".bufr", ".emf", ".eps", ".grib", ".h5", ".hdf", ".iim", ".mpeg", ".mpg", ".ps", ".tlic", ".wmf"})
"""Suffixes of formats that Pillow reads only with other programs, or not as a picture."""
READ_BY_PLUGINS = frozenset({".heic", ".heif", ".jxl"})
"""Suffixes of pictures all the same: a folder's are not skipped without a word."""


@dataclass(frozen=True)
class Kind:
    """A kind of picture files.

    name          what Pillow calls it
    modes         of images that it holds
    keeps         which metadata
    options       of Pillow's writer
    on_or_off     whether its alpha is
    side          of the largest picture, or 0
    """

    name: str
    modes: Set[str]
    keeps: Set[str] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict)
    on_or_off: bool = False
    side: int = 0


KINDS = {
    kind.name: kind
    for kind in (
        Kind("AVIF", COLOURED, EVERYTHING - {"resolution"}, {"quality": 100, "subsampling": "4:4:4"}),
        Kind("BMP", OPAQUE, {"resolution"}),
        Kind("DDS", ALL),
        Kind("DIB", OPAQUE, {"resolution"}),
        Kind("GIF", OPAQUE | {"RGBA"}, on_or_off=True),
        Kind("ICO", COLOURED, side=256),
        Kind("JPEG", OPAQUE, EVERYTHING, {"quality": 95, "subsampling": "4:4:4"}),
        Kind("JPEG2000", ALL),
        Kind("JXL", ALL, EVERYTHING - {"resolution"}, {"lossless": True}),
        Kind("PCX", OPAQUE),
        Kind("PNG", ALL, EVERYTHING, {"compress_level": 3}),  # four times as quick as 6, a few per cent larger
        Kind("PPM", OPAQUE),
        Kind("QOI", COLOURED),
        Kind("SGI", OPAQUE | {"RGBA"}),
        Kind("TGA", ALL),
        Kind("TIFF", ALL, EVERYTHING),
        Kind("WEBP", COLOURED, EVERYTHING - {"resolution"}, {"lossless": True}),
    )
}


def kind_of(suffix: str) -> Kind:
    """Return the kind of pictures of a suffix. Raises BadRequest where they cannot be written."""
    name = Image.registered_extensions().get(suffix.lower(), "")
    if name not in Image.SAVE or name not in KINDS:
        raise BadRequest(f"pictures of kind {suffix or '(no suffix)'} cannot be written")
    return KINDS[name]


@cache
def readable_suffixes() -> Set[str]:
    """Return the suffixes of pictures that Pillow reads: what counts as one where a folder is named."""
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    return known - UNREAD | READ_BY_PLUGINS
