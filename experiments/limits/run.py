"""Where another codec is the better choice: screenshots, beside WebP, AVIF and WebP without loss."""

from pathlib import Path

from experiments.store import measure, ours
from trellic.cli.options import DEFAULT, DEFAULT_EFFORT
from trellic.codec import Codec, Target
from trellic.evaluate.codecs import codec_named
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.codecs.pillow import WEBP_USUAL, opened, saved
from trellic.picture.types import Picture

QUALITIES = (0, 25, 50, 75, 90, 100)
WEBP = {"lossless": True, "method": 6, "quality": 100}
WEBP_LOSSLESS = ImageCodec(
    "webp-lossless",
    "Pillow, libwebp; lossless, method 6, quality 100",
    (0,),
    (0,),
    lambda pixels, _: saved(pixels, "WEBP", **WEBP),
    opened,
)


def lossless() -> ImageCodec:
    """Return trellic where it is asked to lose nothing."""
    codec = Codec(threads=1)
    return ours(threads=1)._replace(
        name="trellic-lossless",
        about=f"model {codec.model.name}; lossless",
        settings=(0,),
        curve=(0,),
        encode=lambda pixels, _: codec.encode_picture(Picture(pixels), Target(lossless=True)).data,
    )


def run(data: Path) -> None:
    """Measure what is missing."""
    avif = codec_named("avif", DEFAULT, DEFAULT_EFFORT)
    screens, pages = data / "test" / "gb82_screens", data / "domains" / "screen_browser" / "test"
    own = [ours()._replace(curve=QUALITIES), WEBP_LOSSLESS, lossless()]
    measure("limits", own, [screens, pages], ("psnr",))
    others = [WEBP_USUAL._replace(curve=WEBP_USUAL.curve[1::2]), avif._replace(curve=avif.curve[4:])]
    measure("limits", others, [screens], ("psnr",))
