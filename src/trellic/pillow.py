"""A Pillow plugin: after `import trellic.pillow`, Image.open and Image.save know .tlic files.

image.save("photo.tlic", quality=50)        # or any other option of `trellic.encode`

A picture's metadata are kept, unless options say otherwise: exif=b"", icc_profile=None, xmp=b"" and dpi=None drop them.
"""

import inspect
import sys
from typing import IO, Any

from PIL import Image, ImageFile

from trellic import api
from trellic.codec.picture_decoder import metadata_of
from trellic.container import Stream
from trellic.container.header import MAGIC
from trellic.errors import TrellicError
from trellic.model.previews import SCALES
from trellic.picture.pillow import info_of, shown_mode

FORMAT = "TLIC"
OPTIONS = set(inspect.signature(api.encode).parameters) - {"image"}
METADATA = {"icc_profile", "exif", "xmp", "dpi"}


class TlicImageFile(ImageFile.ImageFile):
    """A .tlic file, decoded when its pixels are first needed."""

    format = FORMAT
    format_description = "trellic learned image"

    def _open(self) -> None:
        assert self.fp is not None
        self._data = self.fp.read()
        try:
            stream = Stream.parse(self._data, sys.maxsize, partial=True)  # `load` says that a file is cut off
            metadata = metadata_of(stream)
        except TrellicError as error:
            raise SyntaxError(str(error)) from error
        header = stream.header
        self._scale = 1
        self._size = (header.width, header.height)
        self._mode = shown_mode(metadata, header.grey, stream.has_alpha)
        self.info |= info_of(metadata, header.grey)

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> tuple[str, tuple[int, int, float, float]] | None:
        """Choose the smallest preview that is not below a size: `Image.thumbnail` asks for it by itself.

        Returns the mode, and the picture's box in pixels of the preview; None where the picture itself is needed.
        """
        del mode
        if self._im is not None or self._scale > 1 or size is None:
            return None
        width, height = self.size
        scales = [scale for scale in SCALES if width >= scale * size[0] and height >= scale * size[1]]
        if not scales:
            return None
        self._scale = max(scales)
        self._size = (-(-width // self._scale), -(-height // self._scale))
        return self.mode, (0, 0, width / self._scale, height / self._scale)

    def load(self) -> Any:
        """Decode the stream, once, or its preview. Raises OSError, as Pillow's own plugins do.

        Where Pillow is set to load truncated images, what is there of one that is cut off is shown.
        """
        if self._im is None:
            try:
                if self._scale == 1:
                    decoded = api.decode(self._data, partial=ImageFile.LOAD_TRUNCATED_IMAGES)
                else:
                    decoded = api.preview(self._data, self._scale)
            except TrellicError as error:
                raise OSError(str(error)) from error
            self._im = decoded.im
            self._data = b""
            self._close_own_file()
        return Image.Image.load(self)

    def verify(self) -> None:
        """Check the stream to its last bit; as with Pillow's other kinds, the file is to be opened again afterwards.

        Raises OSError.
        """
        try:
            api.verify(self._data)
        except TrellicError as error:
            raise OSError(str(error)) from error
        self._close_own_file()

    def _close_own_file(self) -> None:
        """Close a file that was opened by name: there is nothing more to read."""
        if self._exclusive_fp and self.fp is not None:
            self.fp.close()
            self.fp = None


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    del filename
    options = getattr(image, "encoderinfo", {})
    if unknown := set(options) - OPTIONS - METADATA:
        raise TypeError(f"{FORMAT} has no option {', '.join(sorted(unknown))}")
    metadata = {key: options[key] for key in METADATA & set(options)}
    if metadata:
        image = image.copy()
        if isinstance(exif := metadata.get("exif"), Image.Exif):
            metadata["exif"] = exif.tobytes()
        image.info = {key: value for key, value in (image.info | metadata).items() if key not in METADATA or value}
    try:
        file.write(api.encode(image, **{key: options[key] for key in OPTIONS & set(options)}))
    except TrellicError as error:
        raise OSError(str(error)) from error


Image.register_open(FORMAT, TlicImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, ".tlic")
Image.register_mime(FORMAT, "image/x-tlic")
