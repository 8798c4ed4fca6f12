"""The functions of the public API; models stay loaded between calls."""

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from trellic.codec import Codec, Target
from trellic.codec.codec import Region
from trellic.codec.decoder import check_coded_size
from trellic.container import Contents, scan_stream, size_in
from trellic.container.bytes import Data
from trellic.container.header import MOST_PIXELS, QUALITY_ONE
from trellic.container.sections import LAST
from trellic.entropy.parameters import ONE
from trellic.errors import MissingModel
from trellic.model import DEFAULT, find_model, find_model_by_hash
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


def decode(data: Data, limit: int = MOST_PIXELS, *, crop: Region | None = None) -> Image.Image:
    """Return the picture of a .tlic file, by the model that it names.

    limit  most pixels to accept, sides counted in multiples of 64
    crop   x, y, width and height of the region to decode instead of all
    Raises a TrellicError that says what is wrong with the data.
    """
    return codec_for(data, limit).decode(data, crop)


def verify(data: Data, limit: int = MOST_PIXELS, threads: int = 0) -> str:
    """Return the SHA-256 of a .tlic file's indices, once everything but its picture was decoded; see `Codec.verify`."""
    return codec_for(data, limit, threads).verify(data)


def codec_for(data: Data, limit: int, threads: int = 0) -> Codec:
    """Return the codec of the model that a .tlic file names, the picture's size being within the limit."""
    check_coded_size(*size_in(data), limit)
    header, _ = scan_stream(data)
    return _codec(find_model_by_hash(header.model), threads=threads)


def info(data: Data) -> dict[str, Any]:
    """Return what the header and the section table of a .tlic file say, as plain JSON values."""
    header, sections = scan_stream(data)
    try:
        model = find_model_by_hash(header.model).stem
    except MissingModel:
        model = None
    sizes: dict[str, int] = {}
    for section in sections:
        sizes[section.name] = sizes.get(section.name, 0) + len(section.read())
    grid = Contents.of(header, sections).grid
    latents = sum(sizes.get(kind.name.lower(), 0) for kind in LAST)
    return {
        "bytes": len(data),
        "width": header.width,
        "height": header.height,
        "bpp": len(data) * 8 / (header.width * header.height),
        "mode": header.mode.name.lower(),
        "quality": header.quality / QUALITY_ONE,
        "quantizer": quantizer_numbered(header.quantizer).name,
        "step": header.step / ONE,
        "model": model,
        "model_hash": header.model.hex(),
        "overhead_bytes": len(data) - latents,
        "sections": [{"type": name, "bytes": size} for name, size in sizes.items()],
        "tiles": [grid.columns, grid.rows],
    }
