"""When --resume skips an output: it is complete and, by its size in pixels, of the same picture."""

import sys
from collections.abc import Set

from trellic.codec import Codec, Target
from trellic.codec.drawn import BLOCK
from trellic.codec.picture_decoder import metadata_of
from trellic.codec.rate_control import NEAR_PSNR
from trellic.container import Grid, Stream
from trellic.container.header import HASH_BYTES, HIGHEST_QUALITY, QUALITY_ONE
from trellic.container.sections import BY_LATENTS
from trellic.errors import FileExists
from trellic.files import open_bytes
from trellic.jobs.plan import Job
from trellic.metrics import psnr_of, squared_error
from trellic.picture.fill import filled
from trellic.picture.orientation import orientation_of
from trellic.picture.pillow import size_of
from trellic.picture.stripping import stripped
from trellic.picture.types import Source, Strips
from trellic.picture.vips import open_source
from trellic.quantize import NESTED, quantizer_numbered

STRIP = 1024
"""To read at a time."""
FULL = 0.8
"""Of the bytes that were asked for: what has fewer was made for fewer, unless it has the highest quality."""
SIDEWAYS = 5
"""The first orientation that takes a turn by a quarter, which some kinds of pictures are written with."""


def check_stream(job: Job, codec: Codec, target: Target, dropped: Set[str]) -> None:
    """Raise a TrellicError unless the job's target is what a codec writes for the source, as far as can be seen.

    dropped  metadata that are stripped
    Its checksums are proven, its size in pixels is the source's, and model, quantizer, adapter, tiles and what was
    asked for are the run's. For a PSNR it is decoded and measured: it has that at least, as a size is the largest.
    """
    data = job.target.read_bytes()
    stream = Stream.parse(data, sys.maxsize)
    stream.prove()
    header = stream.header
    _check_same((header.width, header.height), size_of(job.source))
    model = codec.model.sha256[:HASH_BYTES]
    if header.model != model:
        raise FileExists(f"it is of model {header.model.hex()}, not {model.hex()}")
    quantizer = NESTED if target.layers else codec.quantizer
    if header.quantizer != quantizer.number:
        raise FileExists(f"it is of quantizer {quantizer_numbered(header.quantizer).name}, not {quantizer.name}")
    by_latents = any(unit.coded.type in BY_LATENTS for unit in stream.units)
    layers = target.layers.count if target.layers else 0
    if by_latents and layers and stream.layer_count != layers:
        raise FileExists(f"it has {stream.layer_count} layers, not {layers}")
    if by_latents and header.grid not in _grids(codec, header.width, header.height):
        raise FileExists("it is coded in other tiles")
    if by_latents and target.prefixes != bool(stream.prefixes):
        raise FileExists("it has no prefixes" if target.prefixes else "it has prefixes")
    adapter = stream.read(stream.adapter) if stream.adapter else b""
    if by_latents and adapter not in codec.adapter_payloads(target.layers is not None):
        raise FileExists("it is of another adapter")
    if header.restoration and not codec.refinement.restores:
        raise FileExists("it is restored")
    if target.lossless and by_latents:
        raise FileExists("it is not lossless")
    metadata = metadata_of(stream)
    if stripped(metadata, dropped) != metadata:
        raise FileExists("it keeps metadata that are to be stripped")
    _check_amount(job, stream, codec, target, by_latents)
    _check_later(job)


def _grids(codec: Codec, width: int, height: int) -> list[Grid]:
    """Return what tiles a codec may code latents of a picture in: its own, or those that suit drawn parts."""
    return [codec.grid_of(width, height), *([] if codec.options.predict else [Grid.of(width, height, BLOCK)])]


def _check_amount(job: Job, stream: Stream, codec: Codec, target: Target, by_latents: bool) -> None:
    """Raise FileExists unless a stream has the quality, or about as many bytes or dB, as are asked for."""
    header = stream.header
    if target.psnr is not None:
        found = _psnr(codec.decode_strips(stream), filled(open_source(job.source, sys.maxsize)))
        if found < target.psnr - NEAR_PSNR:
            raise FileExists(f"it has {found:.2f} dB, fewer than {target.psnr:g}")
        return
    most = target.size if target.bpp is None else int(target.bpp * header.width * header.height / 8)
    if most is not None and stream.length > most:
        raise FileExists(f"it has {stream.length} bytes, more than {most}")
    could_be_larger = by_latents and header.quality < HIGHEST_QUALITY and not target.layers
    if most is not None and stream.length < FULL * most and could_be_larger:
        raise FileExists(f"it has {stream.length} bytes, far fewer than {most}")
    wanted = round(target.quality * QUALITY_ONE)
    if target.layers:
        wanted = target.layers.quality_of_networks(wanted)
    if most is None and not target.lossless and header.quality != wanted:
        raise FileExists(f"it is of quality {header.quality / QUALITY_ONE:g}, not {wanted / QUALITY_ONE:g}")


def _psnr(decoded: Strips, source: Source) -> float:
    """Return the PSNR of a decoded picture, taken strip by strip, in dB."""
    error, top = 0.0, 0
    for pixels, _ in decoded.strips():
        original, _ = source.rows(top, top + len(pixels))
        error += squared_error(original, pixels)
        top += len(pixels)
    return psnr_of(error / (3 * source.width * source.height))


def check_picture(job: Job) -> None:
    """Raise a TrellicError unless the target is a picture, readable to its end, of the size of the source's."""
    _check_later(job)
    with open_bytes(job.source) as data:
        stream = Stream.parse(data, sys.maxsize)
        width, height = stream.header.width, stream.header.height
        turned = orientation_of(metadata_of(stream)) >= SIDEWAYS
    picture = open_source(job.target, sys.maxsize)
    for top in range(0, picture.height, STRIP):
        picture.rows(top, min(top + STRIP, picture.height))
    found = picture.width, picture.height
    _check_same(found, (height, width) if turned and found == (height, width) else (width, height))


def _check_later(job: Job) -> None:
    """Raise FileExists where the source was changed after the target was written."""
    if job.source.exists() and job.source.stat().st_mtime_ns > job.target.stat().st_mtime_ns:
        raise FileExists("its source is newer")


def _check_same(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    if found != wanted:
        raise FileExists(f"it is {found[0]}×{found[1]}, not {wanted[0]}×{wanted[1]}")
