"""The codecs of a comparison by name: trellic itself, as a peer among peers, and the others."""

from collections.abc import Callable

import numpy as np

from trellic.errors import BadRequest
from trellic.evaluate import ffmpeg
from trellic.evaluate.peers import AVIF, JPEG, JPEG2000, WEBP, Peer, jpeg_xl
from trellic.picture.types import Picture

NAMES = ("trellic", "jpeg", "webp", "avif", "jxl", "jpeg2000", "hevc", "vvc")


def contestant(name: str, model: str, effort: int, run: ffmpeg.Run = ffmpeg.run) -> Peer:
    """Return a codec by name, ready on one thread. Raises BadRequest, MissingLibrary or MissingModel.

    model, effort  of trellic
    run            how programs are run
    """
    makers: dict[str, Callable[[], Peer]] = {
        "trellic": lambda: trellic(model, effort),
        "jpeg": lambda: JPEG,
        "webp": lambda: WEBP,
        "avif": lambda: AVIF,
        "jxl": jpeg_xl,
        "jpeg2000": lambda: JPEG2000,
        "hevc": lambda: ffmpeg.video_peer(ffmpeg.HEVC, run),
        "vvc": lambda: ffmpeg.video_peer(ffmpeg.VVC, run),
    }
    if name not in makers:
        raise BadRequest(f"no codec {name!r}; there are {', '.join(NAMES)}")
    return makers[name]()


def trellic(model: str, effort: int) -> Peer:
    """Return this codec as a peer, its settings the qualities 0 to 100."""
    from trellic.codec import Codec, Target  # here, so that the others' memory is measured without it

    codec = Codec(model, threads=1, effort=effort)
    return Peer(
        "trellic",
        tuple(np.arange(0, 100.25, 0.25).tolist()),
        lambda pixels, quality: codec.encode_picture(Picture(pixels), Target(quality)).data,
        lambda data: codec.decode_picture(data).pixels,
        tuple(range(0, 101, 10)),
        f"model {codec.model.name}, effort {effort}, quantizer {codec.quantizer.name}; by quality",
    )
