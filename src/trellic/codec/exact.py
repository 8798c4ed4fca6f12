"""Exact units: pixels coded without loss by WebP, as all users of Pillow have it; planes of alpha, too.

What is stored is the VP8L bitstream (RFC 9649, section 3) without the container around it. A picture of one pixel
stands for a unit of that colour.
"""

import io
import struct
from typing import NamedTuple

import numpy as np
from PIL import Image

from trellic.errors import DamagedStream
from trellic.picture.types import Pixels

LARGEST_SIDE = (1 << 14) - 1
SIGNATURE = 0x2F
CONTAINER = struct.Struct("<4sI4s4sI")


class Effort(NamedTuple):
    """How hard WebP tries: its settings of these names."""

    quality: int
    method: int


QUICK, THOROUGH = Effort(100, 4), Effort(100, 6)
"""The second takes ten times as long, one or two seconds per megapixel, for 0 to 30 % less, or, in few colours, 1 %."""


def pack(samples: Pixels, effort: Effort = QUICK) -> bytes:
    """Return samples, uint8 (H, W), (H, W, 3) or (H, W, 4), sides up to 16383, exactly."""
    if (samples == samples[:1, :1]).all():
        samples = samples[:1, :1]
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, "WEBP", lossless=True, exact=True, **effort._asdict())
    data = buffer.getvalue()
    *_, kind, length = CONTAINER.unpack_from(data)
    assert kind == b"VP8L"
    return data[CONTAINER.size : CONTAINER.size + length]


def unpack(payload: bytes, height: int, width: int, channels: int) -> Pixels:
    """Return what `pack` packed, uint8 (H, W, channels), 1 (the green one), 3 or 4 of them. Raises DamagedStream."""
    head = int.from_bytes(payload[1:5], "little")
    found = (1 + (head & 0x3FFF), 1 + (head >> 14 & 0x3FFF))
    if len(payload) < 5 or payload[0] != SIGNATURE or found not in {(width, height), (1, 1)}:
        raise DamagedStream(f"exact samples are {found[0]}×{found[1]}, not {width}×{height}")
    padded = payload + bytes(len(payload) % 2)
    whole = CONTAINER.pack(b"RIFF", len(padded) + 12, b"WEBP", b"VP8L", len(payload)) + padded
    try:
        with Image.open(io.BytesIO(whole), formats=["WEBP"]) as image:
            shown = image.convert("RGBA" if channels == 4 else "RGB")
            samples = np.asarray(shown.getchannel("G") if channels == 1 else shown)
    except Exception as error:  # damaged data makes Pillow raise errors of any kind
        raise DamagedStream("exact samples cannot be read") from error
    return np.broadcast_to(samples, (height, width, *samples.shape[2:]))
