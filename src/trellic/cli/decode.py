"""trellic decode: .tlic files → pictures, .tlv files → videos."""

from typing import Annotated, Any

import typer

from trellic.cli.options import (
    AtOnce,
    Background,
    Device,
    Force,
    Format,
    Inputs,
    Json,
    MostPixels,
    Output,
    Quiet,
    given,
    refuse,
)
from trellic.errors import BadRequest
from trellic.jobs.local import Manner, followed, run
from trellic.jobs.plan import Job, plan, threads_for
from trellic.limits import MOST_PIXELS

SHOW_OTHERWISE = ("crop", "preview", "groups", "layers", "realism", "carry")
"""Options that make another file of the same stream."""
FOR_PICTURES = (*SHOW_OTHERWISE, "format", "partial", "background", "device", "resume")


def decode(
    context: typer.Context,
    inputs: Inputs,
    out: Output = None,
    format: Format = "png",
    crop: Annotated[str, typer.Option(metavar="X,Y,W,H", help="Only this region, in pixels.")] = "",
    preview: Annotated[
        int | None, typer.Option(metavar="8|4|2", help="A small picture, 1/8, 1/4 or 1/2 of the size, at once.")
    ] = None,
    groups: Annotated[
        int | None, typer.Option(min=0, help="Decode so many groups of latents; the rest is predicted.")
    ] = None,
    layers: Annotated[int | None, typer.Option(min=1, metavar="K", help="Decode the first K layers.")] = None,
    carry: Annotated[
        bool, typer.Option("--carry", help="Let PNG files carry their stream: encode returns it without loss.")
    ] = False,
    realism: Annotated[
        float, typer.Option(min=0, max=1, metavar="0…1", help="0 faithful … 1 pleasing: likely texture for blur.")
    ] = 0.0,
    partial: Annotated[bool, typer.Option("--partial", help="Show what a cut-off file has: tiles, layers.")] = False,
    frames: Annotated[str, typer.Option(metavar="A:B", help="Of a video: only these frames, A up to B.")] = "",
    background: Background = "",
    device: Device = "cpu",
    max_pixels: MostPixels = MOST_PIXELS,
    force: Force = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume an earlier run: skip pictures that are complete and of the right size."),
    ] = False,
    at_once: AtOnce = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Turn .tlic files back into pictures, of any kind that Pillow writes, and .tlv files into videos."""
    from trellic.cli.clips import decode_clips
    from trellic.jobs.clips import are_streams
    from trellic.jobs.resume import check_picture
    from trellic.jobs.work import Decoding, decode_file
    from trellic.picture.pillow import lift_pillows_limit
    from trellic.picture.saving import suffix_of

    if are_streams(inputs):
        refuse(context, "is for pictures", *FOR_PICTURES)
        raise typer.Exit(decode_clips(inputs, out, frames, max_pixels, Manner(force, as_json, quiet, at_once)))
    refuse(context, "is for videos", "frames")
    if preview is not None:
        refuse(context, "does not go with --preview", "groups", "carry", "realism")
    if carry:
        refuse(context, "does not go with --carry", "crop", "partial", "groups", "layers", "realism")
    if resume:
        refuse(context, "does not go with --resume, which knows a picture by its size alone", *SHOW_OTHERWISE)
    region = region_of(crop) if crop else None
    lift_pillows_limit()

    def work(job: Job) -> dict[str, Any]:
        facts = decode_file(job, how, lambda strips, count: followed(strips, count, manner.shows_tiles(jobs)))
        return {**facts, "line": f"{job.name} → {job.target}  {facts['width']}×{facts['height']}"}

    suffix = suffix_of(format, background)
    jobs = plan(inputs, out, [".tlic"], suffix)
    manner = Manner(force, as_json, quiet, at_once, resumes=not given(context, *SHOW_OTHERWISE))
    threads = threads_for(jobs, at_once)
    how = Decoding(
        suffix, background, max_pixels, threads, device, region, partial, force, groups, preview, carry, layers,
        realism=realism,
    )  # fmt: skip
    raise typer.Exit(run(jobs, work, manner, check_picture if resume else None))


def region_of(text: str) -> tuple[int, int, int, int]:
    """Return "x,y,w,h" as numbers. Raises BadRequest."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise BadRequest(f"--crop {text!r} is not X,Y,W,H")
    left, top, width, height = (int(part) for part in parts)
    return left, top, width, height
