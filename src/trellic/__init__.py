"""trellic: a learned image codec.

`encode(image)` returns the bytes of a .tlic file and `decode(data)` the picture; `preview(data)` shows it small and at
once, `info(data)` reads a header, and `verify(data)` checks a file to the last index. `features(data)` returns what a
network sees in it. `Codec` keeps a model loaded for many pictures, and `import trellic.pillow` teaches Pillow the
format.
"""

from typing import TYPE_CHECKING, Any

from trellic.errors import TrellicError

if TYPE_CHECKING:
    from trellic.api import decode, encode, features, info, preview, verify
    from trellic.codec import Codec

__version__ = "0.1.0"
__all__ = ["Codec", "TrellicError", "__version__", "decode", "encode", "features", "info", "preview", "verify"]


def __getattr__(name: str) -> Any:
    """Load the codec when it is first used: importing the package costs next to nothing."""
    if name == "Codec":
        from trellic.codec import Codec

        return Codec
    if name in {"decode", "encode", "features", "info", "preview", "verify"}:
        from trellic import api

        return getattr(api, name)
    raise AttributeError(f"module 'trellic' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what there is, whether it is loaded or not."""
    return __all__
