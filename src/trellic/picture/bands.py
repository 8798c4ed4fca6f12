"""Bands of TIFFs: which samples of a pixel are colours, which is alpha, and which are something else.

Satellites see near-infrared, and scanners much more. What a fourth band is, only the tags say: libvips and Pillow take
it for alpha, or drop it.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from trellic.errors import UnreadablePicture
from trellic.picture.types import warn_of_samples

PHOTOMETRIC, SAMPLES_PER_PIXEL, EXTRA_SAMPLES, SAMPLE_FORMAT = 262, 277, 338, 339
COLOURS = {2: 3, 5: 4, 6: 3, 8: 3}
"""Samples by photometric interpretation: RGB, CMYK, YCbCr and L*a*b*; one of any other."""
ALPHA = {1, 2}
"""Extra samples that are alpha: associated, and not."""
SIGNED = 2
"""Of sample formats: integers in two's complement."""
CLASSIC, BIG = 42, 43
"""Versions of TIFFs: those with offsets of 4 bytes, and of 8."""
SHORT = 3
"""The type of all values here, of two bytes."""
MOST_TAGS, MOST_VALUES = 1 << 12, 1 << 12
GEOREFERENCES = {33550, 33922, 34264, 34735, 42113}
"""Tags of a GeoTIFF: scale, tie points, transformation and keys, and GDAL's value for what is no data."""
WANTED = {PHOTOMETRIC, SAMPLES_PER_PIXEL, EXTRA_SAMPLES, SAMPLE_FORMAT}


class Bands(NamedTuple):
    """Samples of a pixel: colours, whether alpha follows them, and how many others do."""

    colours: int
    has_alpha: bool
    others: int

    def check(self) -> None:
        """Warn of bands that are not kept. Raises UnreadablePicture where nothing says which bands are colours."""
        if self.colours == 1 and self.others > 1:
            count = self.colours + self.has_alpha + self.others
            raise UnreadablePicture(f"{count} bands, and none is said to be red, green or blue: choose one or three")
        if self.others:
            warn_of_samples(f"not kept: {self.others} further band{'s' if self.others > 1 else ''}")


def bands_of(tags: Mapping[int, Any]) -> Bands:
    """Return what bands a TIFF has, by its tags, of which Pillow has single numbers and tuples."""
    (photometric, *_), (count, *_) = _values(tags, PHOTOMETRIC, 1), _values(tags, SAMPLES_PER_PIXEL, 1)
    colours = COLOURS.get(photometric, 1)
    has_alpha = _values(tags, EXTRA_SAMPLES, 0)[0] in ALPHA and count > colours
    return Bands(colours, has_alpha, max(0, count - colours - has_alpha))


def is_signed(tags: Mapping[int, Any]) -> bool:
    """Return whether samples are signed integers."""
    return SIGNED in _values(tags, SAMPLE_FORMAT, 1)


def _values(tags: Mapping[int, Any], tag: int, otherwise: int) -> tuple[int, ...]:
    found = tags.get(tag, otherwise)
    return found or (otherwise,) if isinstance(found, tuple) else (found,)


def is_georeferenced(tags: Mapping[int, Any]) -> bool:
    """Return whether a TIFF says where on Earth it is."""
    return not GEOREFERENCES.isdisjoint(tags)


def tags_of(path: Path) -> Mapping[int, tuple[int, ...]]:
    """Return those tags of a TIFF's first picture that are asked for here; none of what is no TIFF.

    Pillow reads tags of pictures alone whose samples it knows.
    """
    try:
        with path.open("rb") as file:
            return _tags_in(file)
    except (OSError, ValueError, OverflowError, struct.error):
        return {}


def _tags_in(file: BinaryIO) -> dict[int, tuple[int, ...]]:
    """Return tags of a TIFF whose values are SHORT, and that there are others. Raises struct.error at an early end."""
    order = {b"II": "<", b"MM": ">"}.get(file.read(2), "")
    version = _unpacked(file, order + "H")[0] if order else 0
    if version not in {CLASSIC, BIG}:
        return {}
    at, number, entry = ("I", "H", "HHI4s") if version == CLASSIC else ("4xQ", "Q", "HHQ8s")
    file.seek(_unpacked(file, order + at)[0])
    found = dict[int, tuple[int, ...]]()
    for _ in range(min(_unpacked(file, order + number)[0], MOST_TAGS)):
        tag, kind, count, value = _unpacked(file, order + entry)
        if tag in GEOREFERENCES:
            found[tag] = ()
        if tag not in WANTED or tag in found or kind != SHORT or not 1 <= count <= MOST_VALUES:
            continue
        if 2 * count > len(value):
            here = file.tell()
            file.seek(struct.unpack(order + at[-1], value)[0])
            value = file.read(2 * count)
            file.seek(here)
        found[tag] = struct.unpack(f"{order}{count}H", value[: 2 * count])
    return found


def _unpacked(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))
