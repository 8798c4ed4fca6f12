"""The orientation of a picture, from its EXIF data or its XMP packet."""

import re

from PIL import ExifTags, Image

from trellic.picture.metadata import Metadata

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by the number that EXIF gives its orientation."""
IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')


def parsed(exif: bytes) -> Image.Exif | None:
    """Return an EXIF block as Pillow has it, or None where it is damaged."""
    found = Image.Exif()
    try:
        found.load(exif)
        found.tobytes()
    except Exception:  # Pillow's errors on damaged blocks are of any kind
        return None
    return found


def orientation_of(metadata: Metadata) -> int:
    """Return a picture's orientation, 1 (upright) to 8."""
    exif = parsed(metadata.exif) if metadata.exif else None
    if exif and exif.get(ExifTags.Base.Orientation) in range(1, 9):
        return int(exif[ExifTags.Base.Orientation])
    match = IN_XMP.search(metadata.xmp)
    return int(match[1]) if match else 1


def orientation_alone(number: int) -> bytes:
    """Return an EXIF block that says nothing else."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = number
    return exif.tobytes()
