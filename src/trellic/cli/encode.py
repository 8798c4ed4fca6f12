"""trellic encode: pictures → .tlic files, videos → .tlv files."""

from functools import partial
from typing import Annotated, Any

import typer

from trellic.cli.options import (
    DEFAULT,
    DEFAULT_EFFORT,
    SIDE,
    Adapter,
    AtOnce,
    Bitrate,
    Bpp,
    Effort,
    Embed,
    Force,
    Gop,
    Inputs,
    Json,
    Keep,
    Keyint,
    Layers,
    Lossless,
    Model,
    MostPixels,
    Output,
    Predict,
    Prefixes,
    Psnr,
    Quality,
    Quantizer,
    Quiet,
    Restoration,
    Resume,
    Size,
    Strip,
    Tile,
    Tune,
    refuse,
    refuse_unused,
    side_of_tiles,
)  # fmt: skip
from trellic.jobs.local import Manner, bar_of_tiles, run
from trellic.jobs.plan import Job, plan, threads_for
from trellic.limits import MOST_PIXELS

FOR_PICTURES = (
    "lossless", "tune", "layers", "prefixes", "quantizer", "hold", "tile", "predict", "strip", "keep", "keep_suffix",
    "resume",
)  # fmt: skip


def encode(
    context: typer.Context,
    inputs: Inputs,
    out: Output = None,
    quality: Quality = 50.0,
    bpp: Bpp = None,
    size: Size = None,
    psnr: Psnr = None,
    bitrate: Bitrate = None,
    gop: Gop = "adaptive",
    keyint: Keyint = 64,
    lossless: Lossless = False,
    tune: Tune = "psnr",
    layers: Layers = "",
    prefixes: Prefixes = False,
    model: Model = DEFAULT,
    effort: Effort = DEFAULT_EFFORT,
    quantizer: Quantizer = "",
    adapter: Adapter = "",
    embed: Embed = False,
    hold: Annotated[
        bool, typer.Option("--hold", help="Instead of an effort: lose little when coded again and again.")
    ] = False,
    tile: Tile = SIDE,
    predict: Predict = False,
    restoration: Restoration = True,
    strip: Strip = "",
    keep: Keep = None,
    keep_suffix: Annotated[bool, typer.Option("--keep-suffix", help="Name files a.png.tlic, not a.tlic.")] = False,
    max_pixels: MostPixels = MOST_PIXELS,
    force: Force = False,
    resume: Resume = False,
    at_once: AtOnce = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compress pictures into .tlic files, and videos into .tlv files."""
    from trellic.cli.clips import Clips, encode_clips
    from trellic.codec import Codec, Target
    from trellic.codec.layer_targets import LayerTargets
    from trellic.jobs.clips import are_clips
    from trellic.jobs.resume import check_stream
    from trellic.jobs.work import encode_file
    from trellic.picture.kinds import readable_suffixes
    from trellic.picture.pillow import lift_pillows_limit
    from trellic.picture.stripping import names_to_drop
    from trellic.quantize import LATTICE
    from trellic.video import Structure

    if are_clips(inputs):
        refuse(context, "is for pictures", *FOR_PICTURES)
        refuse_unused(context, "", False, bpp, size, psnr)
        if bitrate is not None:
            refuse(context, "does not go with --bitrate", "quality", "bpp", "size", "psnr")
        target, structure = Target(quality, bpp, size, psnr), Structure.of(gop, keyint)
        clips = Clips(target, bitrate, structure, model, effort, adapter, embed, restoration)
        raise typer.Exit(encode_clips(inputs, out, clips, max_pixels, Manner(force, as_json, quiet, at_once)))
    refuse(context, "is for videos", "bitrate", "gop", "keyint")
    refuse_unused(context, quantizer, lossless, bpp, size, psnr)
    if adapter in ("", "none"):
        refuse(context, "needs an --adapter", "embed")
    if hold:
        refuse(context, "does not go with --hold, which is a quantizer of its own", "quantizer", "effort", "layers")
    ends = LayerTargets.of(layers) if layers else None
    target = Target(quality, bpp, size, psnr, lossless, tune, ends, prefixes)
    dropped = names_to_drop(strip, keep)
    jobs = plan(inputs, out, readable_suffixes(), ".tlic", keep_suffix)
    manner = Manner(force, as_json, quiet, at_once, resumes=True)
    threads = threads_for(jobs, at_once)
    chosen = LATTICE.name if hold else quantizer
    codec = Codec(
        model, threads, chosen, effort, max_pixels, side_of_tiles(context, tile, predict), adapter=adapter or "none",
        embed=embed, predict=predict, restore=restoration,
    )  # fmt: skip
    lift_pillows_limit()

    def work(job: Job) -> dict[str, Any]:
        with bar_of_tiles(manner.shows_tiles(jobs)) as progress:
            facts = encode_file(job, codec, target, dropped, force, progress)
        if job.source.is_file():
            facts["source_bytes"] = job.source.stat().st_size
        line = f"{job.name} → {job.target}  {facts['bytes']} bytes, {facts['bpp']:.3f} bpp"
        return {**facts, "line": f"{line}, quality {facts['quality']:g}"}

    check = partial(check_stream, codec=codec, target=target, dropped=dropped) if resume else None
    raise typer.Exit(run(jobs, work, manner, check))
