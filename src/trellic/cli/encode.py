"""trellic encode: pictures → .tlic files."""

from typing import Annotated, Any

import typer

from trellic.cli.options import (
    DEFAULT,
    DEFAULT_EFFORT,
    SIDE,
    Effort,
    Force,
    Inputs,
    Json,
    Model,
    MostPixels,
    Output,
    Quantizer,
    Resume,
)  # fmt: skip
from trellic.jobs.local import bar_of_tiles, run
from trellic.jobs.plan import Job, plan, threads_for
from trellic.limits import MOST_PIXELS


def encode(
    inputs: Inputs,
    out: Output = None,
    quality: Annotated[float, typer.Option("--quality", "-q", help="0 small … 100 faithful.")] = 50.0,
    bpp: Annotated[float | None, typer.Option(help="Instead: at most this rate, bits a pixel.")] = None,
    size: Annotated[int | None, typer.Option(metavar="BYTES", help="Instead: at most this file size.")] = None,
    psnr: Annotated[float | None, typer.Option(metavar="DB", help="Instead: at least this PSNR.")] = None,
    model: Model = DEFAULT,
    effort: Effort = DEFAULT_EFFORT,
    quantizer: Quantizer = "",
    tile: Annotated[int, typer.Option(metavar="SIDE", help="Of the tiles that large pictures are coded in.")] = SIDE,
    max_pixels: MostPixels = MOST_PIXELS,
    force: Force = False,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Compress pictures into .tlic files."""
    from trellic.codec import Codec, Target
    from trellic.files import write_atomically
    from trellic.jobs.resume import check_stream
    from trellic.picture.kinds import readable_suffixes
    from trellic.picture.pillow import lift_pillows_limit
    from trellic.picture.vips import open_source

    target = Target(quality, bpp, size, psnr)
    jobs = plan(inputs, out, readable_suffixes(), ".tlic")
    codec = Codec(model, threads_for(jobs), quantizer=quantizer, effort=effort, limit=max_pixels, tile=tile)
    lift_pillows_limit()

    def work(job: Job) -> dict[str, Any]:
        picture = open_source(job.source, max_pixels)
        with bar_of_tiles(len(jobs) == 1 and not as_json) as progress:
            coded = codec.encode_picture(picture, target, progress)
        write_atomically(job.target, lambda file: file.write(coded.data))
        width, height = picture.width, picture.height
        count, before = len(coded.data), job.source.stat().st_size
        bpp = 8 * count / (width * height)
        facts = {"width": width, "height": height, "bytes": count, "source_bytes": before, "bpp": bpp}
        line = f"{job.source} → {job.target}  {count} bytes, {bpp:.3f} bpp, quality {coded.quality:g}"
        return {**facts, "quality": coded.quality, "line": line}

    raise typer.Exit(run(jobs, work, force, as_json, check_stream if resume else None))
