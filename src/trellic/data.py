"""Streams in data pipelines: rows for Ray, Spark, Dask and Hugging Face, samples of webdataset, items of torch.

None of these libraries is imported: each takes plain callables. Every object here can be pickled to workers, which load
its model once, and takes one core.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic import api
from trellic.bulk.storage import store_of
from trellic.codec import Codec, Target
from trellic.container import Stream
from trellic.errors import TrellicError
from trellic.limits import MOST_PIXELS
from trellic.model import DEFAULT
from trellic.picture.pillow import picture_of
from trellic.picture.types import exactly
from trellic.quantize import DEFAULT_EFFORT
from trellic.remote import retried

Row = Mapping[str, Any]
Array = npt.NDArray[np.uint8]


class EncodeRow:
    """Rows with a picture → the same rows with its stream, and with an error where there is none.

    Ray: `dataset.map(EncodeRow(quality=50))`; Dask bags, Spark's RDDs of rows and Hugging Face datasets have the same
    `map`.

    column   holds a picture: the bytes of a file, a Pillow image, or uint8 (H, W) or (H, W, 3 or 4)
    into     gets the stream, or None; `error` gets the reason, or None
    quality  0 to 100; the other arguments are those of `trellic.encode`
    """

    def __init__(
        self,
        column: str = "bytes",
        into: str = "tlic",
        quality: float = Target.quality,
        *,
        effort: int = DEFAULT_EFFORT,
        quantizer: str = "",
        model: str = DEFAULT,
    ) -> None:
        self.column, self.into, self.target = column, into, Target(quality)
        self.codec = Codec(model, threads=1, quantizer=quantizer, effort=effort)

    def __call__(self, row: Row) -> dict[str, Any]:
        """Return a row with its stream."""
        picture = row[self.column]
        try:
            is_file = isinstance(picture, bytes | bytearray | memoryview)
            with exactly(self.target.lossless):
                source = picture_of(io.BytesIO(picture) if is_file else picture, self.codec.options.limit)
            return {**row, self.into: self.codec.encode_picture(source, self.target).data, "error": None}
        except (TrellicError, MemoryError) as error:
            return {**row, self.into: None, "error": str(error) or "not enough memory"}


class DecodeRow:
    """Rows with a stream → the same rows with its picture, uint8 (H, W) or (H, W, 2, 3 or 4), or an error.

    column  holds the bytes of a stream, or None: the row keeps its `error` then
    into    gets the picture, or None; `error` gets the reason, or None
    """

    def __init__(self, column: str = "tlic", into: str = "image") -> None:
        self.column, self.into = column, into

    def __call__(self, row: Row) -> dict[str, Any]:
        """Return a row with its picture."""
        data = row[self.column]
        if data is None:  # what EncodeRow leaves of a picture that it could not encode
            return {**row, self.into: None, "error": row.get("error") or "no stream"}
        try:
            return {**row, self.into: pixels_of(data), "error": None}
        except (TrellicError, MemoryError) as error:
            return {**row, self.into: None, "error": str(error) or "not enough memory"}


def pixels_of(data: bytes) -> Array:
    """Return the picture of a stream, uint8 (H, W) or (H, W, 2, 3 or 4), decoded on one core. Raises as `decode`."""
    stream = Stream.parse(data, MOST_PIXELS)
    return np.asarray(api.codec_for(stream, threads=1).decode(stream))


def decode_sample(key: str, data: bytes) -> Array | None:
    """Return the picture of a member of a webdataset's sample, or None where it is no stream.

    webdataset: `WebDataset(tars).decode(decode_sample)`.
    """
    return pixels_of(data) if key.lower().endswith("tlic") else None


class Pictures(Sequence[Any]):
    """Streams at paths or URLs as a torch dataset: what `torch.utils.data.DataLoader` takes, and any other sequence.

    transform  of a picture, uint8 (H, W) or (H, W, 2, 3 or 4), for instance to a tensor; its result is the item
    """

    def __init__(self, paths: Sequence[str | PathLike[str]], transform: Callable[[Array], Any] = np.array) -> None:
        self.paths, self.transform = [str(path) for path in paths], transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: Any) -> Any:
        """Return an item. Raises as `trellic.decode`, and StorageFailed."""
        path = self.paths[number]
        data, _ = retried(lambda: store_of(path).read(path))
        return self.transform(pixels_of(data))
