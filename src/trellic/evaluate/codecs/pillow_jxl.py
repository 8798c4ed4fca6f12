"""JPEG XL by pillow-jxl-plugin. It has no option that tunes for PSNR: a smaller file costs more time, no more."""

from importlib.metadata import version

from trellic.errors import MissingLibrary
from trellic.evaluate.codecs.image_codec import ImageCodec, described
from trellic.evaluate.codecs.pillow import opened, saved


def jpeg_xl(effort: int) -> ImageCodec:
    """Return JPEG XL at an effort, 1 to 9; 7 is the library's own. Raises MissingLibrary where there is no plugin."""
    try:
        from pillow_jxl import JpegXLImagePlugin
    except ImportError as error:
        raise MissingLibrary("jxl needs a package: pip install pillow-jxl-plugin") from error
    JpegXLImagePlugin.DECODE_THREADS = 0  # only the caller's thread
    options = {"effort": effort}
    return ImageCodec(
        "jxl-usual" if effort == 7 else "jxl",
        f"pillow-jxl-plugin {version('pillow-jxl-plugin')}, libjxl; lossy, {described(options)}; by quality",
        tuple(range(1, 100)),
        (5, 15, 30, 50, 70, 80, 90, 95),
        lambda pixels, quality: saved(pixels, "JXL", quality=quality, num_threads=1, **options),
        opened,
    )
