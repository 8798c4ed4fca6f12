"""A Pillow plugin: after `import trellic.pillow`, Image.open and Image.save know .tlic files.

image.save("photo.tlic", quality=50)        # or bpp=…, size=…, psnr=…, model=…
"""

import sys
from typing import IO, Any

from PIL import Image, ImageFile

from trellic import api
from trellic.codec.picture_decoder import metadata_of
from trellic.container import Stream
from trellic.container.header import MAGIC
from trellic.errors import TrellicError
from trellic.picture.types import mode_of

FORMAT = "TLIC"


class TlicImageFile(ImageFile.ImageFile):
    """A .tlic file, decoded when its pixels are first needed."""

    format = FORMAT
    format_description = "trellic learned image"

    def _open(self) -> None:
        assert self.fp is not None
        self._data = self.fp.read()
        try:
            stream = Stream.parse(self._data, sys.maxsize)
            metadata = metadata_of(stream)
        except TrellicError as error:
            raise SyntaxError(str(error)) from error
        self._size = (stream.header.width, stream.header.height)
        self._mode = mode_of(stream.header.grey, stream.has_alpha)
        self.info |= {key: data for key, data in (("icc_profile", metadata.icc), ("exif", metadata.exif)) if data}

    def load(self) -> Any:
        """Decode the stream, once. Raises OSError, as Pillow's own plugins do."""
        if self._im is None:
            try:
                decoded = api.decode(self._data)
            except TrellicError as error:
                raise OSError(str(error)) from error
            self._im = decoded.im
            self._data = b""
            if self._exclusive_fp and self.fp is not None:  # opened by name: nothing more to read
                self.fp.close()
                self.fp = None
        return Image.Image.load(self)


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    del filename
    options = getattr(image, "encoderinfo", {})
    known = {key: options[key] for key in ("quality", "bpp", "size", "psnr", "model") if key in options}
    metadata: dict[str | tuple[int, int], Any] = {
        key: options[key] for key in ("icc_profile", "exif") if options.get(key)
    }
    if metadata:
        image = image.copy()
        exif = metadata.get("exif")
        image.info |= metadata | ({"exif": exif.tobytes()} if isinstance(exif, Image.Exif) else {})
    try:
        file.write(api.encode(image, **known))
    except TrellicError as error:
        raise OSError(str(error)) from error


Image.register_open(FORMAT, TlicImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, ".tlic")
Image.register_mime(FORMAT, "image/x-tlic")
