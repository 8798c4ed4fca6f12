"""The functions of the public API; models stay loaded between calls."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import IO, Any, cast

from PIL import Image

from trellic.codec import Codec, Target
from trellic.codec.attached import adapter_facts
from trellic.codec.layer_targets import LayersAsked
from trellic.codec.options import NO_ADAPTER
from trellic.codec.picture_decoder import Region, metadata_of
from trellic.container import Stream
from trellic.container.bytes import Data
from trellic.container.header import QUALITY_ONE
from trellic.errors import BadRequest, OutOfMemory
from trellic.files import FileBytes, open_bytes, read_bounded
from trellic.limits import MOST_PIXELS
from trellic.machine.features import FeatureReader, Features
from trellic.model import DEFAULT, facts_of_model, find_model, find_model_by_hash
from trellic.model.pleasing import has_pleasing
from trellic.picture.colour import profile_name
from trellic.picture.orientation import orientation_of
from trellic.picture.pillow import AnyPicture, shown_mode
from trellic.quantize import DEFAULT_EFFORT, quantizer_numbered

AnyData = Data | bytearray | memoryview | str | PathLike[str] | IO[bytes]
"""What callers may call a stream: its bytes, a path or URL, or a file open in binary mode. Of a URL, and of a file in
which one can seek, only what is needed is read."""


@lru_cache(4)
def _codec_at(path: Path, modified: int, threads: int, device: str) -> Codec:
    """Return the codec of a model file, loaded once for as long as the file is not modified."""
    return Codec(str(path), threads, limit=sys.maxsize, device=device)


@lru_cache(16)
def _codec_with(
    path: Path, modified: int, threads: int, device: str, quantizer: str, effort: int, adapter: str, embed: bool
) -> Codec:
    """Return the codec of a model file with a quantizer and an adapter; those of one file share its networks."""
    return _codec_at(path, modified, threads, device).using(quantizer, effort, adapter, embed)


def _codec(
    path: Path,
    quantizer: str = "",
    effort: int = DEFAULT_EFFORT,
    threads: int = 0,
    device: str = "cpu",
    adapter: str = NO_ADAPTER,
    embed: bool = False,
) -> Codec:
    return _codec_with(path, path.stat().st_mtime_ns, threads, device, quantizer, effort, adapter, embed)


@contextmanager
def _opened(data: AnyData) -> Iterator[Data]:
    """Give the bytes of a stream, wherever they are; a file's when they are asked for.

    Raises BadRequest, and OutOfMemory where what is done with them takes too much.
    """
    with _memory_errors():
        if isinstance(data, str | PathLike):
            with open_bytes(data) as found:
                yield found
        elif isinstance(data, bytearray | memoryview):
            yield bytes(data)
        elif hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, list | tuple | dict):
            yield data
        elif hasattr(data, "read"):
            file = cast(IO[bytes], data)
            yield FileBytes(file) if file.seekable() else read_bounded(file, "a pipe")
        else:
            raise BadRequest(f"a {type(data).__name__} is no stream; bytes, a path or an open file are")


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Turn a MemoryError into one of ours."""
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory(str(error) or "not enough memory") from error


def encode(
    image: AnyPicture,
    quality: float = Target.quality,
    *,
    bpp: float | None = None,
    size: int | None = None,
    psnr: float | None = None,
    lossless: bool = False,
    tune: str = Target.tune,
    layers: LayersAsked | None = None,
    prefixes: bool = False,
    effort: int = DEFAULT_EFFORT,
    quantizer: str = "",
    model: str = DEFAULT,
    adapter: str = NO_ADAPTER,
    embed: bool = False,
) -> bytes:
    """Return the bytes of a .tlic file.

    The arguments are those of `Codec.encode`, an effort from 1 (quick) to 9 (small) or the name of a quantizer, the
    model's name, and an adapter's: "best" is the best of none and all that are installed. `embed` puts the adapter
    into the file, which then decodes where it is not installed.
    """
    with _memory_errors():
        codec = _codec(find_model(model), quantizer, effort, adapter=adapter, embed=embed)
        return codec.encode(
            image,
            quality,
            bpp=bpp,
            size=size,
            psnr=psnr,
            lossless=lossless,
            tune=tune,
            layers=layers,
            prefixes=prefixes,
        )


def decode(
    data: AnyData,
    limit: int = MOST_PIXELS,
    *,
    crop: Region | None = None,
    partial: bool = False,
    groups: int | None = None,
    layers: int | None = None,
    realism: float = 0.0,
) -> Image.Image:
    """Return the picture of a .tlic file, by the model that it names.

    data     bytes, a path or URL, or an open file; for a region, only the parts of it are read that are needed
    limit    most pixels to accept, sides counted in multiples of 64
    crop     x, y, width and height of the region to decode instead of all
    partial  whether to show the tiles that a file that was cut off has; missing ones are grey
    groups   how many groups of latents to decode, the rest being predicted from them; None for all
    layers   how many layers to decode, of a file that has them; None for all
    realism  0 (faithful) to 1 (pleasing): likely texture in place of blur, where the model has a companion for it
    Raises a TrellicError that says what is wrong with the data.
    """
    with _opened(data) as found:
        stream = Stream.parse(found, limit, partial)
        return codec_for(stream).decode(stream, crop, groups=groups, layers=layers, realism=realism)


def preview(data: AnyData, scale: int = 8, limit: int = MOST_PIXELS) -> Image.Image:
    """Return the picture of a .tlic file at 1/8, 1/4 or 1/2 of its size, from the first groups of its latents alone.

    scale  8, 4 or 2; sides are rounded up
    Raises as `decode` does.
    """
    with _opened(data) as found:
        stream = Stream.parse(found, limit)
        return codec_for(stream).preview(stream, scale)


def features(data: AnyData, limit: int = MOST_PIXELS) -> Features:
    """Return what a network sees of a .tlic file's picture, from the first group of latents and half of the second.

    The file may be cut off after them. Raises as `decode` does, and MissingModel where the model has no such network.
    """
    with _opened(data) as found:
        stream = Stream.parse(found, limit, partial=True)
        return feature_reader(codec_for(stream)).read(stream)


@lru_cache(4)
def feature_reader(codec: Codec) -> FeatureReader:
    """Return what reads features of a codec's streams. Raises MissingModel or DamagedModel."""
    return FeatureReader(codec)


def verify(data: AnyData, limit: int = MOST_PIXELS, threads: int = 0) -> str:
    """Return the SHA-256 of a .tlic file's indices, once everything but its picture was decoded; see `Codec.verify`."""
    with _opened(data) as found:
        stream = Stream.parse(found, limit)
        return codec_for(stream, threads).verify(stream)


def codec_for(stream: Stream, threads: int = 0, device: str = "cpu") -> Codec:
    """Return the codec of the model that a stream names."""
    return _codec(find_model_by_hash(stream.header.model), threads=threads, device=device)


def info(data: AnyData) -> dict[str, Any]:
    """Return the header and the index of a .tlic file as plain JSON values; checksums are proven."""
    with _opened(data) as found:
        return _facts(found)


def facts_of(stream: Stream, size: int) -> dict[str, Any]:
    """Return dimensions, rate, quality, quantizer and model of a stream of so many bytes."""
    header = stream.header
    return {
        "width": header.width,
        "height": header.height,
        "bpp": 8 * size / (header.width * header.height),
        "quality": header.quality / QUALITY_ONE,
        "quantizer": quantizer_numbered(header.quantizer).name,
        **facts_of_model(header.model),
    }


def _facts(data: Data) -> dict[str, Any]:
    stream = Stream.parse(data, sys.maxsize)
    stream.prove()
    header = stream.header
    sections = {name: [0, 0] for name in dict.fromkeys(entry.name for entry in stream.entries)}
    for entry in stream.entries:
        sections[entry.name][0] += 1
        sections[entry.name][1] += entry.length
    metadata = metadata_of(stream)
    coded = sum(entry.length for entry in {each for unit in stream.units for each in (unit.coded, *unit.further)})
    ends = [stream.end_of(count) for count in range(1, stream.layer_count + 1)] if stream.layers else []
    pixels = header.width * header.height
    return {
        "bytes": len(data),
        **facts_of(stream, len(data)),
        "mode": shown_mode(metadata, header.grey, stream.has_alpha),
        "profile": profile_name(metadata, header.grey),
        "orientation": orientation_of(metadata),
        "adapter": adapter_facts(stream),
        "realism": has_pleasing(header.model),
        "overhead_bytes": len(data) - coded,
        "restoration_bytes": len(header.restoration),
        "sections": [{"type": name, "count": count, "bytes": size} for name, (count, size) in sections.items()],
        "layers": [{"bytes": end, "bpp": 8 * end / pixels} for end in ends],
        "tiles": [header.grid.columns, header.grid.rows],
        "predicted": stream.header.grid.predicted,
    }
