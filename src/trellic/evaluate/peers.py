"""Other codecs through Pillow, at their best settings for PSNR, and what every peer has in common.

JPEG 4:4:4, WebP method 6, AVIF 4:4:4, JPEG 2000, and JPEG XL where pillow-jxl-plugin is installed. Each works on one
thread. Settings that tune for the eye are off where a codec has such a switch; JPEG XL has none.
"""

import io
import time
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import AvifImagePlugin, Image, features

from trellic.errors import MissingLibrary, PeerFailed
from trellic.metrics import psnr
from trellic.picture.types import Pixels

AVIF_SPEED = 4
"""0 slowest to 10; libavif's own choice is 6. Speed 3 took 1 % fewer bytes than 4, and twice the time."""
JXL_EFFORT = 7
"""1 to 9; the reference encoder's own choice. Effort 9 takes fewer bytes, but at a lower PSNR."""


class Peer(NamedTuple):
    """A codec.

    settings  from smallest to largest files, close together
    encode    pixels, uint8 (H, W, 3), and a setting → a file's bytes
    decode    those bytes → pixels; a codec that needs even sides may return some more at the right and below
    rates     the settings that a rate-distortion curve is drawn through
    about     the library, its version and how it is set, for readers and for telling runs apart
    """

    name: str
    settings: tuple[float, ...]
    encode: Callable[[Pixels, float], bytes]
    decode: Callable[[bytes], Pixels]
    rates: tuple[float, ...]
    about: str


class Point(NamedTuple):
    """One coded picture: bytes, PSNR in dB, decoded pixels, and how long it took."""

    bytes: int
    psnr: float
    pixels: Pixels
    encode_seconds: float
    decode_seconds: float


def saved(pixels: Pixels, kind: str, **options: object) -> bytes:
    """Return the file that Pillow writes of pixels, uint8 (H, W, 3). Raises PeerFailed."""
    buffer = io.BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, kind, **options)
    except (OSError, ValueError) as error:
        raise PeerFailed(f"Pillow cannot write it as {kind} ({error})") from error
    return buffer.getvalue()


def _opened(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def _jpeg(pixels: Pixels, setting: float) -> bytes:
    return saved(pixels, "JPEG", quality=int(setting), subsampling=0, optimize=True, progressive=True)


def _webp(pixels: Pixels, setting: float) -> bytes:
    return saved(pixels, "WEBP", quality=int(setting), method=6)


def _avif(pixels: Pixels, setting: float) -> bytes:
    return saved(
        pixels, "AVIF", quality=int(setting), subsampling="4:4:4", speed=AVIF_SPEED, codec="aom", max_threads=1,
        advanced={"tune": "psnr"},
    )  # fmt: skip


def _jpeg2000(pixels: Pixels, setting: float) -> bytes:
    return saved(pixels, "JPEG2000", quality_mode="dB", quality_layers=[setting], irreversible=True, mct=1)


def _jxl(pixels: Pixels, setting: float) -> bytes:
    return saved(pixels, "JXL", quality=setting, effort=JXL_EFFORT, num_threads=1)


JPEG = Peer(
    "jpeg",
    tuple(range(1, 96)),
    _jpeg,
    _opened,
    (5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95),
    f"Pillow, libjpeg-turbo {features.version('libjpeg_turbo')}; 4:4:4, progressive, optimized tables; by quality",
)
WEBP = Peer(
    "webp",
    tuple(range(0, 101)),
    _webp,
    _opened,
    (0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 93, 96, 98),
    f"Pillow, libwebp {features.version('webp')}; method 6, 4:2:0; by quality",
)
AVIF = Peer(
    "avif",
    tuple(range(0, 101)),
    _avif,
    _opened,
    (0, 10, 20, 30, 40, 50, 60, 70, 80, 90),
    f"Pillow, libavif {features.version('avif')}; libaom, speed {AVIF_SPEED}, 4:4:4, 8 bits, tune psnr; by quality",
)
JPEG2000 = Peer(
    "jpeg2000",
    tuple(np.arange(22.0, 46.5, 0.5).tolist()),
    _jpeg2000,
    _opened,
    (24, 26, 28, 29, 30, 31, 32, 33, 34, 35, 36, 38, 40, 42, 44),
    f"Pillow, openjpeg {features.version('jpg_2000')}; irreversible 9/7, multi-component transform; by PSNR",
)


def jpeg_xl() -> Peer:
    """Return JPEG XL. Raises MissingLibrary where Pillow has no plugin for it."""
    try:
        from pillow_jxl import JpegXLImagePlugin
    except ImportError as error:
        raise MissingLibrary("jxl needs a package: pip install pillow-jxl-plugin") from error
    from importlib.metadata import version

    JpegXLImagePlugin.DECODE_THREADS = 0  # no thread beside the caller's
    return Peer(
        "jxl",
        tuple(range(1, 100)),
        _jxl,
        _opened,
        (5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95),
        f"pillow-jxl-plugin {version('pillow-jxl-plugin')}, libjxl; lossy, XYB, effort {JXL_EFFORT}; by quality",
    )


def decode_on_one_thread() -> None:
    """Let Pillow's AVIF decoder use one thread; its other decoders here know no more."""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def measure(peer: Peer, pixels: Pixels, setting: float) -> Point:
    """Encode and decode pixels, uint8 (H, W, 3). Raises PeerFailed."""
    start = time.perf_counter()
    data = peer.encode(pixels, setting)
    middle = time.perf_counter()
    decoded = peer.decode(data)
    end = time.perf_counter()
    decoded = decoded[: pixels.shape[0], : pixels.shape[1]]
    return Point(len(data), psnr(pixels, decoded), decoded, middle - start, end - middle)


def nearest_in_size(peer: Peer, pixels: Pixels, wanted: int) -> tuple[float, Point]:
    """Return the setting whose file's size is nearest to `wanted` bytes, and that file."""
    at = lru_cache(None)(lambda index: measure(peer, pixels, peer.settings[index]))
    low, high = 0, len(peer.settings) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle).bytes <= wanted else (low, middle)
    best = min((low, high), key=lambda index: abs(at(index).bytes - wanted))
    return peer.settings[best], at(best)
