"""SSIMULACRA2, a similarity that follows what people see: 100 is identical, 90 very close, 50 fair, below 0 poor.

Computed by the package ssimulacra2, a port of the reference implementation to numpy.
"""

import io

from PIL import Image

from trellic.errors import MissingLibrary
from trellic.picture.types import Pixels

SMALLEST_SIDE = 225
"""Smaller pictures have fewer than the six scales that the weights were fitted to."""


def need_ssimulacra2() -> None:
    """Raise MissingLibrary where the package is not installed."""
    try:
        import ssimulacra2  # noqa: F401
    except ImportError as error:
        raise MissingLibrary("SSIMULACRA2 needs a package: pip install ssimulacra2") from error


def ssimulacra2(original: Pixels, decoded: Pixels) -> float:
    """Return the SSIMULACRA2 of two sRGB pictures, uint8 (H, W, 3); NaN where a side is below 225 pixels."""
    from ssimulacra2 import compute_ssimulacra2

    if min(original.shape[:2]) < SMALLEST_SIDE:
        return float("nan")
    return float(compute_ssimulacra2(_file(original), _file(decoded)))


def _file(pixels: Pixels) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PPM")
    return buffer
