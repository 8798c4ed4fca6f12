"""Codecs through Pillow: JPEG and JPEG 2000 at their best for PSNR; JPEG, WebP and AVIF by Pillow's own options."""

import io

import numpy as np
from PIL import AvifImagePlugin, Image, features

from trellic.errors import PeerFailed
from trellic.evaluate.codecs.image_codec import ImageCodec, described
from trellic.picture.types import Pixels

JPEG_BEST = {"subsampling": "4:4:4", "optimize": True, "progressive": True}
JPEG2000_BEST = {"quality_mode": "dB", "irreversible": True, "mct": 1}


def saved(pixels: Pixels, kind: str, **options: object) -> bytes:
    """Return the file that Pillow writes of pixels, uint8 (H, W, 3). Raises PeerFailed."""
    buffer = io.BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, kind, **options)
    except (OSError, ValueError) as error:
        raise PeerFailed(f"Pillow cannot write it as {kind} ({error})") from error
    return buffer.getvalue()


def opened(data: bytes) -> Pixels:
    """Return the pixels of a file that Pillow reads."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def decode_on_one_thread() -> None:
    """Let Pillow's AVIF decoder use one thread; its other decoders here know no more."""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def _about(library: str, feature: str, options: str) -> str:
    return f"Pillow, {library} {features.version(feature)}; {options}"


JPEG = ImageCodec(
    "jpeg",
    _about("libjpeg-turbo", "libjpeg_turbo", f"flat quantization tables, {described(JPEG_BEST)}; by step"),
    tuple(range(255, 0, -1)),
    (200, 110, 70, 46, 30, 20, 13, 8, 5),
    lambda pixels, step: saved(pixels, "JPEG", qtables=[[int(step)] * 64] * 2, **JPEG_BEST),
    opened,
)
"""All frequencies of luma and chroma have one step, which is what squared error in RGB asks for."""
JPEG_USUAL = ImageCodec(
    "jpeg-usual",
    _about("libjpeg-turbo", "libjpeg_turbo", "Pillow's own options (4:2:0, the standard's tables); by quality"),
    tuple(range(1, 96)),
    (5, 10, 20, 35, 50, 65, 80, 90, 95),
    lambda pixels, quality: saved(pixels, "JPEG", quality=int(quality)),
    opened,
)
WEBP_USUAL = ImageCodec(
    "webp-usual",
    _about("libwebp", "webp", "Pillow's own options (method 4, 4:2:0); by quality"),
    tuple(range(0, 101)),
    (0, 8, 22, 40, 58, 74, 86, 94, 98),
    lambda pixels, quality: saved(pixels, "WEBP", quality=int(quality)),
    opened,
)
AVIF_USUAL = ImageCodec(
    "avif-usual",
    _about("libavif", "avif", "Pillow's own options (speed 6, 4:2:0, 8 bits); by quality"),
    tuple(range(0, 101)),
    (0, 12, 25, 38, 50, 62, 75, 88),
    lambda pixels, quality: saved(pixels, "AVIF", quality=int(quality), max_threads=1),
    opened,
)
JPEG2000 = ImageCodec(
    "jpeg2000",
    _about("openjpeg", "jpg_2000", f"{described(JPEG2000_BEST)}; by PSNR"),
    tuple(np.arange(22.0, 46.5, 0.5).tolist()),
    (24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44),
    lambda pixels, decibels: saved(pixels, "JPEG2000", quality_layers=[decibels], **JPEG2000_BEST),
    opened,
)
CODECS = (JPEG, JPEG_USUAL, WEBP_USUAL, AVIF_USUAL, JPEG2000)
