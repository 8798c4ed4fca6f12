"""How long a codec takes before it codes: the median time for a tiny picture, once all it needs is loaded.

For a codec that is a program this is mostly the start of a process, which its users pay once for a whole film.
"""

from statistics import median

import numpy as np

from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.measure import code
from trellic.picture.types import Pixels

TINY = 64
REPEATS = 7


def tiny() -> Pixels:
    """Return a grey picture of 64×64 pixels."""
    return np.full((TINY, TINY, 3), 128, np.uint8)


def middle(codec: ImageCodec) -> float:
    """Return the setting in the middle of a codec's curve."""
    return codec.curve[len(codec.curve) // 2]


def start_seconds(codec: ImageCodec) -> dict[str, float]:
    """Return the seconds to encode, and to decode, a tiny picture. Raises PeerFailed."""
    code(codec, tiny(), middle(codec))  # loads and compiles
    coded = [code(codec, tiny(), middle(codec)) for _ in range(REPEATS)]
    return {
        "encode": median(each.encode_seconds for each in coded),
        "decode": median(each.decode_seconds for each in coded),
    }
