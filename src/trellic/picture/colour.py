"""Colours that are not RGB, converted to it."""

import io
import warnings

from PIL import Image, ImageCms

from trellic.picture.types import Converted


def from_cmyk(image: Image.Image, icc: bytes) -> Image.Image:
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
