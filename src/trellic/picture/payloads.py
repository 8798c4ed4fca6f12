"""What a stream carries beside pixels, as bytes: alpha as a PNG, metadata deflated."""

import io
import zlib

import numpy as np
from PIL import Image

from trellic.errors import BadRequest, DamagedStream
from trellic.picture.types import Pixels

METADATA_LIMIT = 1 << 24


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
