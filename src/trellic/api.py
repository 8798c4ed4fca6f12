"""The functions of the public API; models stay loaded between calls."""

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from trellic.codec import Codec, Target
from trellic.codec.picture_decoder import Region
from trellic.container import Stream
from trellic.container.bytes import Data
from trellic.container.header import QUALITY_ONE
from trellic.errors import MissingModel
from trellic.limits import MOST_PIXELS
from trellic.model import DEFAULT, find_model, find_model_by_hash
from trellic.picture.types import mode_of
from trellic.quantize import DEFAULT_EFFORT, quantizer_numbered


@lru_cache(4)
def _codec_at(path: Path, modified: int, effort: int, threads: int) -> Codec:
    """Return the codec of a model file, loaded once for as long as the file is not modified."""
    return Codec(str(path), threads, effort=effort, limit=sys.maxsize)


def _codec(path: Path, effort: int = DEFAULT_EFFORT, threads: int = 0) -> Codec:
    return _codec_at(path, path.stat().st_mtime_ns, effort, threads)


def encode(
    image: Image.Image | npt.NDArray[np.uint8],
    quality: float = Target.quality,
    *,
    bpp: float | None = None,
    size: int | None = None,
    psnr: float | None = None,
    effort: int = DEFAULT_EFFORT,
    model: str = DEFAULT,
) -> bytes:
    """Return the bytes of a .tlic file.

    The arguments are those of `Codec.encode`, an effort from 1 (quick) to 9 (small), and the model's name.
    """
    return _codec(find_model(model), effort).encode(image, quality, bpp=bpp, size=size, psnr=psnr)


def decode(data: Data, limit: int = MOST_PIXELS, *, crop: Region | None = None, partial: bool = False) -> Image.Image:
    """Return the picture of a .tlic file, by the model that it names.

    limit    most pixels to accept, sides counted in multiples of 64
    crop     x, y, width and height of the region to decode instead of all
    partial  whether to show what is there of a file that is cut off, missing tiles grey
    Raises a TrellicError that says what is wrong with the data.
    """
    stream = Stream.parse(data, limit, partial)
    return codec_for(stream).decode(stream, crop)


def verify(data: Data, limit: int = MOST_PIXELS, threads: int = 0) -> str:
    """Return the SHA-256 of a .tlic file's indices, once everything but its picture was decoded; see `Codec.verify`."""
    stream = Stream.parse(data, limit)
    return codec_for(stream, threads).verify(stream)


def codec_for(stream: Stream, threads: int = 0) -> Codec:
    """Return the codec of the model that a stream names."""
    return _codec(find_model_by_hash(stream.header.model), threads=threads)


def info(data: Data) -> dict[str, Any]:
    """Return what the header and the index of a .tlic file say, as plain JSON values; its checksums are proven."""
    stream = Stream.parse(data, sys.maxsize)
    stream.prove()
    header = stream.header
    try:
        model = find_model_by_hash(header.model).stem
    except MissingModel:
        model = None
    sections = {name: [0, 0] for name in dict.fromkeys(entry.name for entry in stream.entries)}
    for entry in stream.entries:
        sections[entry.name][0] += 1
        sections[entry.name][1] += entry.length
    coded = sum(unit.coded.length for unit in stream.units)
    return {
        "bytes": len(data),
        "width": header.width,
        "height": header.height,
        "bpp": len(data) * 8 / (header.width * header.height),
        "mode": mode_of(header.grey, stream.has_alpha),
        "quality": header.quality / QUALITY_ONE,
        "quantizer": quantizer_numbered(header.quantizer).name,
        "model": model,
        "model_hash": header.model.hex(),
        "overhead_bytes": len(data) - coded,
        "sections": [{"type": name, "count": count, "bytes": size} for name, (count, size) in sections.items()],
        "tiles": [header.grid.columns, header.grid.rows],
    }
