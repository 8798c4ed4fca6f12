"""When --resume skips an output: it is complete and, by its size in pixels, of the same picture."""

import sys
from collections.abc import Set
from dataclasses import dataclass

from trellic.codec import Codec, Target
from trellic.codec.picture_decoder import metadata_of
from trellic.container import Stream
from trellic.container.header import HASH_BYTES, QUALITY_ONE
from trellic.container.sections import BY_LATENTS
from trellic.errors import FileExists
from trellic.files import open_bytes
from trellic.jobs.plan import Job
from trellic.picture.orientation import orientation_of
from trellic.picture.pillow import size_of
from trellic.picture.stripping import stripped
from trellic.picture.vips import open_source
from trellic.quantize import NESTED, quantizer_numbered

STRIP = 1024
"""To read at a time."""
SIDEWAYS = 5
"""The first orientation that takes a turn by a quarter, which some kinds of pictures are written with."""


@dataclass(frozen=True)
class Expected:
    """The expected output of a run: the first bytes of its model's hash, its quantizer's number, and its target.

    adapters  payloads of the sections that name an adapter, b"" for none, one of which a stream of latents has
    quality   in points, or None where it is not the target
    size      most bytes, and bpp, bits per pixel, where one of them is
    lossless  whether nothing is lost
    layers    how many, where they were asked for by number; 0 where not
    dropped   metadata that are stripped
    """

    model: bytes
    quantizer: int
    adapters: tuple[bytes, ...] = (b"",)
    quality: float | None = None
    size: int | None = None
    bpp: float | None = None
    lossless: bool = False
    layers: int = 0
    dropped: Set[str] = frozenset()

    @classmethod
    def of(cls, codec: Codec, target: Target, dropped: Set[str]) -> "Expected":
        """Return the expected output of a codec for a target, some metadata being dropped."""
        of_quality = target.bpp is target.size is target.psnr is None and not target.lossless
        quality = target.quality if of_quality else None
        model, adapters = codec.model.sha256[:HASH_BYTES], tuple(codec.adapter_payloads)
        quantizer = NESTED if target.layers else codec.quantizer
        layers = target.layers.count if target.layers else 0
        return cls(
            model, quantizer.number, adapters, quality, target.size, target.bpp, target.lossless, layers, dropped
        )  # fmt: skip


def check_stream(job: Job, expected: Expected) -> None:
    """Raise a TrellicError unless the target is what a run writes for the source, as far as its bytes show.

    Its checksums are proven, its size in pixels is the source's, and model, quantizer and target are the run's.
    """
    data = job.target.read_bytes()
    stream = Stream.parse(data, sys.maxsize)
    stream.prove()
    header = stream.header
    _check_same((header.width, header.height), size_of(job.source))
    if header.model != expected.model:
        raise FileExists(f"it is of model {header.model.hex()}, not {expected.model.hex()}")
    if header.quantizer != expected.quantizer:
        names = [quantizer_numbered(number).name for number in (header.quantizer, expected.quantizer)]
        raise FileExists(f"it is of quantizer {names[0]}, not {names[1]}")
    by_latents = any(unit.coded.type in BY_LATENTS for unit in stream.units)
    if by_latents and expected.layers and stream.layer_count != expected.layers:
        raise FileExists(f"it has {stream.layer_count} layers, not {expected.layers}")
    if by_latents and (stream.read(stream.adapter) if stream.adapter else b"") not in expected.adapters:
        raise FileExists("it is of another adapter")
    quality = header.quality / QUALITY_ONE
    if expected.quality is not None and header.quality != round(expected.quality * QUALITY_ONE):
        raise FileExists(f"it is of quality {quality:g}, not {expected.quality:g}")
    if expected.lossless and by_latents:
        raise FileExists("it is not lossless")
    metadata = metadata_of(stream)
    if stripped(metadata, expected.dropped) != metadata:
        raise FileExists("it keeps metadata that are to be stripped")
    most = expected.size if expected.bpp is None else int(expected.bpp * header.width * header.height / 8)
    if most is not None and len(data) > most:
        raise FileExists(f"it has {len(data)} bytes, more than {most}")


def check_picture(job: Job, region: tuple[int, int, int, int] | None = None) -> None:
    """Raise a TrellicError unless the target is a picture, readable to its end, of the size of the source's region."""
    with open_bytes(job.source) as data:
        stream = Stream.parse(data, sys.maxsize)
        width, height = region[2:] if region else (stream.header.width, stream.header.height)
        turned = orientation_of(metadata_of(stream)) >= SIDEWAYS
    picture = open_source(job.target, sys.maxsize)
    for top in range(0, picture.height, STRIP):
        picture.rows(top, min(top + STRIP, picture.height))
    found = picture.width, picture.height
    _check_same(found, (height, width) if turned and found == (height, width) else (width, height))


def _check_same(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    if found != wanted:
        raise FileExists(f"it is {found[0]}×{found[1]}, not {wanted[0]}×{wanted[1]}")
