"""What a picture carries besides its samples: colour space, EXIF, XMP and resolution."""

from dataclasses import dataclass, replace
from enum import IntEnum


class ColourSpace(IntEnum):
    """A colour space that one byte names, instead of a profile of hundreds. Numbers are part of the format.

    For a grey picture it stands for the space's curve.
    """

    UNSPECIFIED = 0
    SRGB = 1
    DISPLAY_P3 = 2
    ADOBE_RGB = 3
    GAMMA_2_2 = 4


EVERYTHING = frozenset({"icc", "exif", "xmp", "resolution"})
"""What metadata are called; a colour space goes with "icc"."""


@dataclass(frozen=True)
class Metadata:
    """What a picture carries besides its samples.

    colour_space  of the samples, where it is a known one
    icc           the colour profile of any other, or empty
    exif          EXIF block, or empty; it may say how the picture is to be turned
    xmp           XMP packet, or empty
    resolution    pixels per inch from left to right and from top to bottom, or None
    """

    colour_space: ColourSpace = ColourSpace.UNSPECIFIED
    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    resolution: tuple[float, float] | None = None

    def without(self, *names: str) -> "Metadata":
        """Return the rest, once these are dropped: "icc" (and the colour space), "exif", "xmp" or "resolution"."""
        empty = Metadata()
        fields = {*names, "colour_space"} if "icc" in names else {*names}
        return replace(self, **{name: getattr(empty, name) for name in fields})


NO_METADATA = Metadata()
