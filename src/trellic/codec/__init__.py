"""Pixels ⇄ bytes: encoder, decoder, rate control."""

from trellic.codec.codec import Codec, Encoded
from trellic.codec.rate_control import Target

__all__ = ["Codec", "Encoded", "Target"]
