"""Pixels ⇄ bytes: encoder, decoder, rate control."""

from trellic.codec.codec import Codec
from trellic.codec.rate_control import Encoded, Target

__all__ = ["Codec", "Encoded", "Target"]
