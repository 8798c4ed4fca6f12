"""A decoded frame that others are predicted from."""

from functools import cached_property

from trellic.picture.types import Pixels
from trellic.video.motion import Motion, Uint8s
from trellic.video.planes import halved, interpolated, luma


class Reference:
    """A decoded frame.

    number  of the frame
    pixels  uint8 (H, W, 3)
    motion  its own
    """

    def __init__(self, number: int, pixels: Pixels, motion: Motion) -> None:
        self.number, self.pixels, self.motion = number, pixels, motion
        pixels.flags.writeable = False  # whoever is shown it must not change what later frames refer to

    @cached_property
    def between(self) -> Uint8s:
        """Its luma at all quarter pixels, for the encoder."""
        return interpolated(luma(self.pixels))

    @cached_property
    def half(self) -> Uint8s:
        """Its luma at half size, for the encoder."""
        return halved(luma(self.pixels))
