"""The codecs of a comparison by name: trellic and others, each at its best for PSNR and with its usual settings."""

from collections.abc import Callable

from trellic.errors import BadRequest
from trellic.evaluate.codecs import ffmpeg, pillow, pillow_jxl, webp
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.codecs.trellic import trellic

__all__ = ["BEST", "LABELS", "NAMES", "USUAL", "ImageCodec", "codec_named"]

LABELS = {
    "trellic": "trellic",
    "jpeg": "JPEG",
    "webp": "WebP",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "jpeg2000": "JPEG 2000",
    "hevc": "HEVC",
    "vvc": "VVC",
    "jpeg-usual": "JPEG, as used",
    "webp-usual": "WebP, as used",
    "avif-usual": "AVIF, as used",
    "jxl-usual": "JPEG XL, as used",
    "hevc-usual": "HEVC, as used",
    "vvc-usual": "VVC, as used",
}
NAMES = tuple(LABELS)
USUAL = {name.removesuffix("-usual"): name for name in NAMES if name.endswith("-usual")}
"""The codec with its usual options by the name of the one with its best; JPEG 2000 has no other."""
BEST = tuple(name for name in NAMES if name not in USUAL.values())


def codec_named(name: str, model: str, effort: int, run: ffmpeg.Run = ffmpeg.run) -> ImageCodec:
    """Return a codec, ready on one thread. Raises BadRequest, MissingLibrary or MissingModel.

    model, effort  of trellic
    run            how programs are run
    """
    makers: dict[str, Callable[[], ImageCodec]] = {
        "trellic": lambda: trellic(model, effort=effort),
        "webp": webp.best,
        "jxl": lambda: pillow_jxl.jpeg_xl(9),
        "jxl-usual": lambda: pillow_jxl.jpeg_xl(7),
        **{each.name: (lambda each=each: each) for each in pillow.CODECS},  # type: ignore[misc]
        **{each.name: (lambda each=each: ffmpeg.video_codec(each, run)) for each in ffmpeg.CODECS},  # type: ignore[misc]
    }
    if name not in makers:
        raise BadRequest(f"no codec {name!r}; there are {', '.join(NAMES)}")
    return makers[name]()
