"""trellic bulk: many pictures, on this machine, as one of many jobs, or on a Ray cluster."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from trellic.cli.options import (
    DEFAULT,
    DEFAULT_EFFORT,
    SIDE,
    Adapter,
    Background,
    Bpp,
    Device,
    Effort,
    Embed,
    Force,
    Format,
    Json,
    Keep,
    Layers,
    Lossless,
    Model,
    MostPixels,
    Predict,
    Prefixes,
    Psnr,
    Quality,
    Quantizer,
    Quiet,
    Restoration,
    Size,
    Strip,
    Tile,
    Tune,
    refuse,
    refuse_unused,
    side_of_tiles,
)  # fmt: skip
from trellic.errors import BadRequest
from trellic.jobs.local import complain
from trellic.limits import MOST_PIXELS

if TYPE_CHECKING:
    from trellic.bulk.records import Record
    from trellic.bulk.run import Bulk, Driver, Progress

EVERY = 15.0
"""Seconds between two lines of progress."""
MOST_LINES = 20
"""Of errors; the manifest has all of them."""
ADDRESS = re.compile(r"local|auto|ray://\S+|[\w.-]+:\d+")

Inputs = Annotated[list[str], typer.Argument(metavar="IN...", help="Folders, files or URLs; tars hold many pictures.")]
Out = Annotated[str, typer.Option("-o", "--out", metavar="OUT", help="Folder or URL of the results and the manifest.")]
Shard = Annotated[str, typer.Option(metavar="I/N", help="Only every Nth file, the Ith part: for one of N jobs.")]
Ray = Annotated[
    str, typer.Option("--ray", metavar="[ADDRESS]", help="On a Ray cluster; without an address, Ray on this machine.")
]
Table = Annotated[bool, typer.Option("--manifest", help="End with a table, OUT/manifest/I-of-N.parquet.")]
Pack = Annotated[str, typer.Option(metavar="SHARDS.tar", help="Pack results into tars for webdataset.")]
MostErrors = Annotated[int | None, typer.Option("--max-errors", metavar="N", min=0, help="End after more errors.")]
Cores = Annotated[int, typer.Option("--jobs", min=0, help="Cores to use; 0 for all.")]

app = typer.Typer(help="Many pictures, on many machines: what was done is recorded, and skipped by the next run.")


@app.command()
def encode(
    context: typer.Context,
    inputs: Inputs,
    out: Out,
    quality: Quality = 50.0,
    bpp: Bpp = None,
    size: Size = None,
    psnr: Psnr = None,
    lossless: Lossless = False,
    tune: Tune = "psnr",
    layers: Layers = "",
    prefixes: Prefixes = False,
    model: Model = DEFAULT,
    effort: Effort = DEFAULT_EFFORT,
    quantizer: Quantizer = "",
    adapter: Adapter = "none",
    embed: Embed = False,
    tile: Tile = SIDE,
    predict: Predict = False,
    restore: Restoration = True,
    strip: Strip = "",
    keep: Keep = None,
    max_pixels: MostPixels = MOST_PIXELS,
    shard: Shard = "1/1",
    ray: Ray = "",
    table: Table = False,
    pack: Pack = "",
    most_errors: MostErrors = None,
    force: Force = False,
    cores: Cores = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compress pictures into .tlic files: a.png becomes OUT/a.png.tlic."""
    from trellic.bulk.coding import Encode
    from trellic.bulk.run import Bulk
    from trellic.codec import Target
    from trellic.codec.layer_targets import LayerTargets
    from trellic.codec.options import CodecOptions
    from trellic.picture.stripping import names_to_drop

    refuse_unused(context, quantizer, lossless, bpp, size, psnr)
    if adapter == "none":
        refuse(context, "needs an --adapter", "embed")
    side = side_of_tiles(context, tile, predict)
    options = CodecOptions(
        model, quantizer, effort, max_pixels, side, adapter=adapter, embed=embed, predict=predict, restore=restore
    )
    target = Target(quality, bpp, size, psnr, lossless, tune, LayerTargets.of(layers) if layers else None, prefixes)
    coding = Encode.of(target, options, names_to_drop(strip, keep))
    _run(Bulk(coding, inputs, out, shard, pack, table, most_errors, force, cores), ray, quiet, as_json)


@app.command()
def decode(
    inputs: Inputs,
    out: Out,
    format: Format = "png",
    background: Background = "",
    device: Device = "cpu",
    max_pixels: MostPixels = MOST_PIXELS,
    shard: Shard = "1/1",
    ray: Ray = "",
    table: Table = False,
    pack: Pack = "",
    most_errors: MostErrors = None,
    force: Force = False,
    cores: Cores = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Turn .tlic files back into pictures: a.png.tlic becomes OUT/a.png."""
    from trellic.bulk.coding import Decode
    from trellic.bulk.run import Bulk
    from trellic.model.device import provider_of
    from trellic.picture.saving import suffix_of

    provider_of(device)
    if ray and device != "cpu":
        raise BadRequest("--device is of this machine: no --ray with it")
    coding = Decode(suffix_of(format, background), background, max_pixels, device)
    _run(Bulk(coding, inputs, out, shard, pack, table, most_errors, force, cores), ray, quiet, as_json)


@app.command()
def verify(
    inputs: Inputs,
    out: Out,
    max_pixels: MostPixels = MOST_PIXELS,
    shard: Shard = "1/1",
    ray: Ray = "",
    table: Table = False,
    most_errors: MostErrors = None,
    force: Force = False,
    cores: Cores = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Check .tlic files to the last index; the manifest below OUT holds the SHA-256 of each one's indices."""
    from trellic.bulk.coding import Verify
    from trellic.bulk.run import Bulk

    _run(Bulk(Verify(max_pixels), inputs, out, shard, "", table, most_errors, force, cores), ray, quiet, as_json)


def _run(bulk: "Bulk", ray: str, quiet: bool, as_json: bool) -> None:
    """Run, report, and end with the exit code: 1 where a picture failed, now or before."""
    from trellic.bulk.run import run_bulk
    from trellic.bulk.storage import near
    from trellic.picture.pillow import lift_pillows_limit

    lift_pillows_limit()
    bulk = replace(bulk, inputs=[near(each) for each in bulk.inputs], out=near(bulk.out))
    try:
        progress = run_bulk(bulk, driver_for(ray), reporter(quiet or as_json))
    except (KeyboardInterrupt, SystemExit):
        complain("stopped; the same command goes on from what is done")
        raise
    facts = {
        "files": progress.total, "done_before": progress.before, "failed_before": progress.failed_before,
        "done": progress.done, "pictures": progress.pictures, "warned": progress.warned, "errors": progress.errors,
        "source_bytes": progress.source_bytes, "bytes": progress.bytes, "seconds": time.monotonic() - progress.started,
    }  # fmt: skip
    if as_json:
        print(json.dumps(facts, indent=1))
    elif not quiet:
        failed = f", {progress.failed_before} of them with errors (see the manifest)" if progress.failed_before else ""
        now = f"{progress.done} now, {progress.warned} warned of, {progress.errors} errors"
        print(f"{progress.total} files: {progress.before} done before{failed}, {now}")
    raise typer.Exit(int(progress.errors + progress.failed_before > 0))


def driver_for(ray: str) -> "Driver":
    """Return the driver: Ray's where it has an address, else this machine's."""
    if ray:
        from trellic.bulk.ray import run_ray

        return partial(run_ray, address=ray)
    from trellic.bulk.local import run_local

    return run_local


def reporter(quiet: bool) -> "Callable[[Progress, list[Record]], None]":
    """Return what reports warnings and errors as they come and, unless `quiet`, how far a run is, from time to time."""
    last, lines = time.monotonic(), 0

    def report(progress: "Progress", records: "list[Record]") -> None:
        nonlocal last, lines
        for record in records:
            for text in [*record["warnings"], *filter(None, [record["error"]])]:
                if lines <= MOST_LINES:
                    line = f"{record['source']}: {text}"
                    complain(line if lines < MOST_LINES else "further warnings and errors are in the manifest")
                    lines += 1
        if not quiet and time.monotonic() - last > EVERY:
            last = time.monotonic()
            complain(line_of(progress))

    return report


def line_of(progress: "Progress") -> str:
    """Return how far a run is, in a line."""
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    hours, minutes = divmod(minutes, 60)
    done = progress.before + progress.done
    rate, left = f"{progress.rate:.1f} a second", f"{hours}:{minutes:02}:{seconds:02} left"
    return f"{done} of {progress.total} files, {rate}, {left}, {progress.errors} errors"


def name_ray(arguments: list[str]) -> list[str]:
    """Let `--ray` mean Ray on this machine where no address follows."""
    named: list[str] = []
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        bare = argument == "--ray" and not ADDRESS.fullmatch(following)
        named.append("--ray=local" if bare and "bulk" in named else argument)
    return named
