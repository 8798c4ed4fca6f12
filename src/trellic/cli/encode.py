"""trellic encode: pictures → .tlic files."""

from functools import partial
from typing import Annotated, Any

import typer

from trellic.cli.options import (
    DEFAULT,
    DEFAULT_EFFORT,
    SIDE,
    AtOnce,
    Effort,
    Force,
    Inputs,
    Json,
    Model,
    MostPixels,
    Output,
    Quantizer,
    Quiet,
    Resume,
)  # fmt: skip
from trellic.jobs.local import Manner, bar_of_tiles, run
from trellic.jobs.plan import Job, plan, threads_for
from trellic.limits import MOST_PIXELS

STRIP = "Metadata to drop: all, or some of exif,icc,xmp,resolution."


def encode(
    inputs: Inputs,
    out: Output = None,
    quality: Annotated[float, typer.Option("--quality", "-q", help="0 small … 100 faithful.")] = 50.0,
    bpp: Annotated[float | None, typer.Option(help="Instead of a quality: at most this rate, bits per pixel.")] = None,
    size: Annotated[
        int | None, typer.Option(metavar="BYTES", help="Instead of a quality: at most this file size.")
    ] = None,
    psnr: Annotated[float | None, typer.Option(metavar="DB", help="Instead of a quality: at least this PSNR.")] = None,
    lossless: Annotated[
        bool, typer.Option("--lossless", help="Instead of a quality: code every pixel exactly.")
    ] = False,
    model: Model = DEFAULT,
    effort: Effort = DEFAULT_EFFORT,
    quantizer: Quantizer = "",
    tile: Annotated[int, typer.Option(metavar="SIDE", help="Side of the tiles of large pictures.")] = SIDE,
    strip: Annotated[str, typer.Option(metavar="NAMES", help=STRIP)] = "",
    keep: Annotated[str | None, typer.Option(metavar="NAMES", help="The only metadata to keep.")] = None,
    keep_suffix: Annotated[bool, typer.Option("--keep-suffix", help="Name files a.png.tlic, not a.tlic.")] = False,
    max_pixels: MostPixels = MOST_PIXELS,
    force: Force = False,
    resume: Resume = False,
    at_once: AtOnce = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compress pictures into .tlic files."""
    from trellic.codec import Codec, Target
    from trellic.files import write_atomically
    from trellic.jobs.resume import Expected, check_stream
    from trellic.picture.kinds import readable_suffixes
    from trellic.picture.pillow import lift_pillows_limit
    from trellic.picture.stripping import names_to_drop
    from trellic.picture.vips import open_source

    target, dropped = Target(quality, bpp, size, psnr, lossless), names_to_drop(strip, keep)
    jobs, manner = plan(inputs, out, readable_suffixes(), ".tlic", keep_suffix), Manner(force, as_json, quiet, at_once)
    threads = threads_for(jobs, at_once)
    codec = Codec(model, threads, quantizer=quantizer, effort=effort, limit=max_pixels, tile=tile)
    lift_pillows_limit()

    def work(job: Job) -> dict[str, Any]:
        picture = open_source(job.source, max_pixels, dropped)
        with bar_of_tiles(manner.shows_tiles(jobs)) as progress:
            coded = codec.encode_picture(picture, target, progress)
        write_atomically(job.target, lambda file: file.write(coded.data), replace=force)
        width, height, count = picture.width, picture.height, len(coded.data)
        facts = {"width": width, "height": height, "bytes": count, "bpp": 8 * count / (width * height)}
        if job.source.is_file():
            facts["source_bytes"] = job.source.stat().st_size
        line = f"{job.source} → {job.target}  {count} bytes, {facts['bpp']:.3f} bpp, quality {coded.quality:g}"
        return {**facts, "quality": coded.quality, "line": line}

    expected = Expected.of(codec.model, codec.quantizer, target)
    raise typer.Exit(run(jobs, work, manner, partial(check_stream, expected=expected) if resume else None))
