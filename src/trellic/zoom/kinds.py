"""Tiles as files of the kinds that browsers show."""

import io
from collections.abc import Mapping
from dataclasses import replace

from trellic.errors import BadRequest
from trellic.picture.kinds import KINDS, Kind
from trellic.picture.metadata import Metadata
from trellic.picture.saving import write
from trellic.picture.types import Picture

TILE_KINDS: Mapping[str, Kind] = {
    "webp": replace(KINDS["WEBP"], options={"quality": 90}),
    "png": KINDS["PNG"],
    "jpg": KINDS["JPEG"],
}
"""By suffix."""
MEDIA_TYPES = {"webp": "image/webp", "png": "image/png", "jpg": "image/jpeg"}
BACKGROUND = "white"
"""Behind what is not opaque, where a kind has no alpha."""


def kind_named(suffix: str) -> Kind:
    """Return the kind of tiles of a suffix. Raises BadRequest."""
    if suffix not in TILE_KINDS:
        raise BadRequest(f"no tiles of kind {suffix!r}; there are {', '.join(TILE_KINDS)}")
    return TILE_KINDS[suffix]


def tile_bytes(picture: Picture, suffix: str) -> bytes:
    """Return a tile as a file that keeps the colour space and no other metadata."""
    buffer = io.BytesIO()
    write(replace(picture, metadata=colours_of(picture.metadata)), kind_named(suffix), buffer, BACKGROUND)
    return buffer.getvalue()


def colours_of(metadata: Metadata) -> Metadata:
    """Return metadata of colours alone."""
    return metadata.without("exif", "xmp", "resolution")
