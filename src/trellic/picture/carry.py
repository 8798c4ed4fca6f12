"""A picture file that carries the stream it was decoded from, so that coding it again loses nothing.

A PNG has it in a private, ancillary chunk that is unsafe to copy: an editor that changes pixels and does not know the
chunk drops it. The chunk is the SHA-256 of the pixels, then the stream; one whose pixels are others is ignored.
"""

import hashlib

from PIL import Image

from trellic.picture.types import Picture

CHUNK = b"tlCX"
"""By its letters' cases: ancillary, private, reserved as it must be, unsafe to copy."""
DIGEST_BYTES = 32


def pack_carried(picture: Picture) -> bytes:
    """Return the content of the chunk for a picture that carries a stream."""
    return _hash(picture) + picture.carried


def carried_by(image: Image.Image, picture: Picture) -> bytes:
    """Return the stream that an image's file carries, b"" where there is none or `picture`, read from it, is another's.

    The stream itself may be anything.
    """
    for kind, content in getattr(image, "private_chunks", []):
        if kind == CHUNK and bytes(content[:DIGEST_BYTES]) == _hash(picture):
            return bytes(content[DIGEST_BYTES:])
    return b""


def _hash(picture: Picture) -> bytes:
    """Return the SHA-256 of a picture's size, samples and alpha."""
    hashed = hashlib.sha256(f"{picture.width} {picture.height}".encode())
    for plane in (picture.pixels, picture.alpha):
        if plane is not None:
            hashed.update(plane.tobytes())
    return hashed.digest()
