"""Videos: `encode` makes the bytes of a .tlv file of frames, and `Reader` gives its frames back, any of them alone."""

from collections.abc import Iterable
from fractions import Fraction

from trellic.codec.rate_control import Target
from trellic.picture.types import Pixels
from trellic.video.codec import VideoCodec
from trellic.video.encoder import Structure
from trellic.video.reader import Reader

__all__ = ["Reader", "Structure", "Target", "VideoCodec", "encode"]


def encode(frames: Iterable[Pixels], rate: Fraction | int, quality: float = Target.quality) -> bytes:
    """Return the bytes of a .tlv file of frames, uint8 (H, W, 3), all of one size.

    rate     frames a second
    quality  0 (small) to 100 (faithful)
    `VideoCodec` keeps the model loaded, and has more options. Raises BadRequest or PictureTooLarge.
    """
    from trellic.video.frames import BT709

    return VideoCodec().encode(lambda: frames, Fraction(rate), Target(quality), Structure(), BT709).data
