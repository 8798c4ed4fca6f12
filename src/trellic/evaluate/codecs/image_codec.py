"""A codec of a comparison: two functions of one setting, and a text made from its options."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from trellic.picture.types import Pixels


class ImageCodec(NamedTuple):
    """A codec as it is set.

    name      "jpeg" for the options with the fewest bytes at equal PSNR, "jpeg-usual" for those that people use
    about     the library, its version and its options, for readers and for telling runs apart
    settings  from smallest to largest files, close together: what a search for a size goes through
    curve     those of them that a rate-distortion curve is drawn through
    encode    pixels, uint8 (H, W, 3), and a setting → a file's bytes
    decode    those bytes → pixels; a codec that needs even sides may return some more at the right and below
    model     the hash of a learned codec's model, else ""
    """

    name: str
    about: str
    settings: tuple[float, ...]
    curve: tuple[float, ...]
    encode: Callable[[Pixels, float], bytes]
    decode: Callable[[bytes], Pixels]
    model: str = ""


def described(options: Mapping[str, object]) -> str:
    """Return options in words, as a library takes them: {"method": 6, "optimize": True} → "method 6, optimize"."""
    words = {True: "{0}", False: "no {0}"}
    return ", ".join(
        words[value].format(name) if isinstance(value, bool) else f"{name} {value}" for name, value in options.items()
    )
