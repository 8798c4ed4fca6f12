"""This codec as one among others."""

import numpy as np

from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.picture.types import Picture

SETTINGS = tuple(np.arange(0, 100.25, 0.25).tolist())
CURVE = tuple(range(0, 101, 10))


def trellic(model: str, *, effort: int, quantizer: str = "", threads: int = 1) -> ImageCodec:
    """Return trellic with a model, by quality 0 to 100; `quantizer` instead of the one that the effort stands for.

    Its name is "trellic", or "trellic QUANTIZER". Raises MissingModel, DamagedModel or BadRequest.
    """
    from trellic.codec import Codec, Target  # here, so that the memory of others is measured without it

    codec = Codec(model, threads=threads, quantizer=quantizer, effort=effort)
    return ImageCodec(
        f"trellic {quantizer}" if quantizer else "trellic",
        f"model {codec.model.name}, quantizer {codec.quantizer.name}; by quality",
        SETTINGS,
        CURVE,
        lambda pixels, quality: codec.encode_picture(Picture(pixels), Target(quality)).data,
        lambda data: codec.decode_picture(data).pixels,
        codec.model.name,
    )
