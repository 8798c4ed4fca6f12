"""Coding a picture that carries the stream it was decoded from: that very stream, where it serves.

What a file says is not believed: the stream is decoded, and must give the picture's very pixels.
"""

from collections.abc import Callable

import numpy as np

from trellic.codec.rate_control import Encoded, Target
from trellic.container import Stream
from trellic.container.header import HASH_BYTES, QUALITY_ONE
from trellic.errors import TrellicError
from trellic.model import Model
from trellic.picture.payloads import pack_metadata
from trellic.picture.types import Picture


def carried_stream(
    picture: Picture, target: Target, model: Model, limit: int, decode: Callable[[Stream], Picture], restores: bool
) -> Encoded | None:
    """Return the stream that a picture carries, where it is of the model and meets the target; None where it does not.

    limit     most pixels to accept, sides counted in multiples of 64
    decode    shows a stream of the model
    restores  whether a stream may be restored

    A quality is met from the stream's own on, a size by a stream that is not larger. For a PSNR the picture is coded
    anew, since less may be enough; and without loss too, since on another processor pixels may differ in the last
    bit; and in layers, or with prefixes, since they may be others.
    """
    if not picture.carried or target.lossless or target.psnr is not None or target.layers or target.prefixes:
        return None
    try:
        stream = Stream.parse(picture.carried, limit)
        if stream.header.model != model.sha256[:HASH_BYTES] or not _meets(stream, target):
            return None
        if stream.header.restoration and not restores:
            return None
        metadata = {kind: stream.read(entry) for kind, entry in stream.metadata.items()}
        if metadata != pack_metadata(picture.metadata) or not _same(decode(stream), picture):
            return None
    except TrellicError:  # whatever is wrong with it: the picture is at hand
        return None
    return Encoded(picture.carried, stream.header.quality / QUALITY_ONE, 8.0 * len(picture.carried))


def _meets(stream: Stream, target: Target) -> bool:
    """Return whether a stream is not larger than asked for, or not of a higher quality."""
    if target.size is not None:
        return stream.length <= target.size
    if target.bpp is not None:
        return 8 * stream.length <= target.bpp * stream.header.width * stream.header.height
    return stream.header.quality <= round(target.quality * QUALITY_ONE)


def _same(one: Picture, other: Picture) -> bool:
    """Return whether two pictures have the same samples and alpha."""
    planes = [[plane for plane in (each.pixels, each.alpha) if plane is not None] for each in (one, other)]
    return len(planes[0]) == len(planes[1]) and all(map(np.array_equal, *planes))
