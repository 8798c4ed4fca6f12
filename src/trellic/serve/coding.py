"""Coding for the page: pictures → streams, → files of other codecs of the same size, and streams → PNG or WebP."""

import io
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from trellic import api
from trellic.codec import Codec, Target
from trellic.container import Stream
from trellic.errors import BadRequest, PictureTooLarge
from trellic.evaluate.codecs import LABELS
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.codecs.pillow import AVIF_USUAL, JPEG, WEBP_USUAL
from trellic.evaluate.measure import nearest_in_size
from trellic.files import open_bytes
from trellic.picture.kinds import KINDS
from trellic.picture.pillow import read
from trellic.picture.saving import write
from trellic.picture.types import Part, Picture, Pixels, Strips
from trellic.serve.answers import Refused
from trellic.serve.turns import Deadline, Turns

READ = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "WEBP")
"""Pillow's names of what is read: kinds that browsers show."""
OTHERS = {"jpeg": JPEG, "webp": WEBP_USUAL, "avif": AVIF_USUAL}
"""Codecs to compare with."""
QUICK_WEBP = replace(KINDS["WEBP"], options={"lossless": True, "quality": 0, "method": 0})
"""A tenth of the usual time, a tenth more bytes."""
WIDEST_WEBP = 16383
"""Pixels of a side."""
MOST_PIXELS = 1 << 24
"""Of a picture that is coded or shown here."""
AT_ONCE, SECONDS = 2, 120.0
"""Requests that are worked on at a time, and the time that one may wait, and may then take."""


class Coding:
    """Codes for clients, in turns.

    codec    encodes
    seconds  that a request may wait, and may then take
    """

    def __init__(self, codec: Codec, seconds: float = SECONDS) -> None:
        self.codec, self.turns = codec, Turns(AT_ONCE, seconds)

    def encode(self, data: bytes, quality: float) -> bytes:
        """Return the stream of a picture file. Raises Refused or a TrellicError."""
        with self.turns.take() as deadline:
            return self.codec.encode_picture(self._picture(data), Target(quality), deadline.check).data

    def encode_like(self, data: bytes, name: str, size: int) -> bytes:
        """Return a picture file coded by another codec, as near to a size in bytes as its settings come.

        name  of OTHERS
        Raises Refused or a TrellicError.
        """
        if name not in OTHERS:
            raise BadRequest(f"no codec {name!r}; there are {', '.join(OTHERS)}")
        with self.turns.take() as deadline:
            picture = self._picture(data)
            if picture.alpha is not None:
                raise BadRequest(f"{LABELS[name]} is compared for opaque pictures only")
            codec = _stopped_by(deadline, OTHERS[name])
            setting, _ = nearest_in_size(codec, picture.pixels, size)
            return codec.encode(picture.pixels, setting)

    def show(self, path: Path, kind: str) -> tuple[str, bytes]:
        """Return the picture of a stream as a kind that any browser shows, and that kind: too wide a WEBP is a PNG.

        Raises Refused or a TrellicError.
        """
        with self.turns.take() as deadline, open_bytes(path) as data:
            stream = Stream.parse(data, MOST_PIXELS)
            picture = _joined(deadline, api.codec_for(stream).decode_strips(stream))
            if max(picture.width, picture.height) > WIDEST_WEBP:
                kind = "PNG"
            buffer = io.BytesIO()
            write(picture, QUICK_WEBP if kind == "WEBP" else KINDS[kind], buffer)
        return kind, buffer.getvalue()

    def _picture(self, data: bytes) -> Picture:
        """Return the picture in a file that was sent. Raises Refused, UnreadablePicture or PictureTooLarge."""
        try:
            Image.open(io.BytesIO(data), formats=READ).close()
        except Image.DecompressionBombError as error:
            raise PictureTooLarge(f"more than the limit of {MOST_PIXELS} pixels") from error
        except (UnidentifiedImageError, OSError, ValueError) as error:
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"no picture of kind {', '.join(READ)}") from error
        return read(io.BytesIO(data), MOST_PIXELS)


def _stopped_by(deadline: Deadline, codec: ImageCodec) -> ImageCodec:
    """Return a codec that raises Refused once the time is over."""

    def encode(pixels: Pixels, setting: float) -> bytes:
        deadline.check()
        return codec.encode(pixels, setting)

    return codec._replace(encode=encode)


def _joined(deadline: Deadline, strips: Strips) -> Picture:
    """Return the picture of strips, or raise Refused once the time is over."""

    def taken() -> Iterator[Part]:
        for part in strips.parts:
            deadline.check()
            yield part

    return replace(strips, parts=taken()).join()
