"""trellic decode: .tlic files → pictures."""

import dataclasses
import functools
from typing import Annotated, Any

import typer

from trellic.cli.options import AtOnce, Force, Inputs, Json, MostPixels, Output, Quiet, Resume
from trellic.errors import BadRequest
from trellic.jobs.local import Manner, followed, run
from trellic.jobs.plan import Job, plan, threads_for
from trellic.limits import MOST_PIXELS


def decode(
    inputs: Inputs,
    out: Output = None,
    format: Annotated[str, typer.Option("--format", help="Suffix of the pictures, unless OUT has one.")] = "png",
    crop: Annotated[str, typer.Option(metavar="X,Y,W,H", help="Only this region, in pixels.")] = "",
    partial: Annotated[bool, typer.Option("--partial", help="Show the tiles that a cut-off file has.")] = False,
    background: Annotated[
        str, typer.Option(metavar="COLOUR", help="Colour behind transparent pictures, for formats without alpha.")
    ] = "",
    max_pixels: MostPixels = MOST_PIXELS,
    force: Force = False,
    resume: Resume = False,
    at_once: AtOnce = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Turn .tlic files back into pictures, of any kind that Pillow writes."""
    from trellic import api
    from trellic.container import Stream
    from trellic.files import open_bytes
    from trellic.jobs.resume import check_picture
    from trellic.picture.kinds import kind_of
    from trellic.picture.pillow import lift_pillows_limit
    from trellic.picture.saving import colour_named, save
    from trellic.picture.types import mode_of
    from trellic.picture.vips import is_large
    from trellic.picture.vips_saving import can_write_strips, write_strips

    region = region_of(crop) if crop else None
    lift_pillows_limit()

    def work(job: Job) -> dict[str, Any]:
        with open_bytes(job.source) as data:
            stream = Stream.parse(data, max_pixels, partial)
            found = api.codec_for(stream, threads).decode_strips(stream, region)
            found = dataclasses.replace(found, strips=followed(found.strips, found.count, manner.shows_tiles(jobs)))
            if is_large(found.width, found.height) and can_write_strips(job.target):
                write_strips(found, job.target, background, replace=force)
            else:
                kind = kind_of(job.target.suffix or suffix)
                save(found.join(), job.target, background, kind, replace=force)
        mode = mode_of(found.grey, found.has_alpha)
        facts = {"width": found.width, "height": found.height, "mode": mode}
        return {**facts, "line": f"{job.source} → {job.target}  {found.width}×{found.height}"}

    suffix = f".{format.lstrip('.')}"
    kind_of(suffix)
    if background:
        colour_named(background)
    jobs, manner = plan(inputs, out, [".tlic"], suffix), Manner(force, as_json, quiet, at_once)
    threads = threads_for(jobs, at_once)
    check = functools.partial(check_picture, region=region) if resume else None
    raise typer.Exit(run(jobs, work, manner, check))


def region_of(text: str) -> tuple[int, int, int, int]:
    """Return "x,y,w,h" as numbers. Raises BadRequest."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise BadRequest(f"--crop {text!r} is not X,Y,W,H")
    left, top, width, height = (int(part) for part in parts)
    return left, top, width, height
