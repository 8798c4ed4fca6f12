"""Other codecs through Pillow, at their best settings for PSNR: JPEG 4:4:4, WebP method 6, JPEG 2000."""

import io
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from trellic.image import Pixels
from trellic.metrics import psnr


class Peer(NamedTuple):
    """A codec: its name, its settings from smallest to largest files, and how it encodes at one."""

    name: str
    settings: tuple[float, ...]
    encode: Callable[[Image.Image, float], bytes]


class Point(NamedTuple):
    """One coded picture: bytes, PSNR in dB, decoded pixels."""

    bytes: int
    psnr: float
    pixels: Pixels


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _jpeg(image: Image.Image, setting: float) -> bytes:
    return _saved(image, "JPEG", quality=int(setting), subsampling=0, optimize=True, progressive=True)


def _webp(image: Image.Image, setting: float) -> bytes:
    return _saved(image, "WEBP", quality=int(setting), method=6)


def _jpeg2000(image: Image.Image, setting: float) -> bytes:
    return _saved(image, "JPEG2000", quality_mode="dB", quality_layers=[setting], irreversible=True, mct=1)


JPEG = Peer("jpeg", tuple(range(1, 96)), _jpeg)
WEBP = Peer("webp", tuple(range(0, 101)), _webp)
JPEG2000 = Peer("jpeg2000", tuple(np.arange(22.0, 46.5, 0.5).tolist()), _jpeg2000)


def measure(peer: Peer, pixels: Pixels, setting: float) -> Point:
    """Encode and decode pixels, uint8 (H, W, 3)."""
    data = peer.encode(Image.fromarray(pixels), setting)
    with Image.open(io.BytesIO(data)) as image:
        decoded = np.asarray(image.convert("RGB"))
    return Point(len(data), psnr(pixels, decoded), decoded)


def nearest_in_size(peer: Peer, pixels: Pixels, wanted: int) -> Point:
    """Return the peer's file whose size is nearest to `wanted` bytes."""
    at = lru_cache(None)(lambda index: measure(peer, pixels, peer.settings[index]))
    low, high = 0, len(peer.settings) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle).bytes <= wanted else (low, middle)
    return min(at(low), at(high), key=lambda point: abs(point.bytes - wanted))
