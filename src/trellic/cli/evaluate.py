"""trellic evaluate: rate and distortion by real bytes."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, DEFAULT_EFFORT, Effort, Force, Inputs, Model, Quantizer


def evaluate(
    inputs: Inputs,
    quality: Annotated[str, typer.Option("--quality", "-q", help="Qualities.")] = "10 30 50 70 90",
    effort: Effort = DEFAULT_EFFORT,
    quantizer: Quantizer = "",
    model: Model = DEFAULT,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all records here.")] = None,
    force: Force = False,
) -> None:
    """Encode to bytes and decode every picture at every quality, and report what it took and what came back."""
    from rich.progress import Progress

    from trellic.codec import Codec
    from trellic.errors import BadRequest
    from trellic.evaluate.run import averages, evaluate_picture
    from trellic.files import check_free, write_atomically
    from trellic.jobs.local import complain, console
    from trellic.jobs.plan import find_files
    from trellic.picture.pillow import SUFFIXES, readable

    try:
        qualities = [float(word) for word in quality.replace(",", " ").split()]
    except ValueError as error:
        raise BadRequest(f"qualities {quality!r} are not numbers") from error
    if json_file:
        check_free(json_file, force)
    paths = [path for path, _ in find_files(inputs, SUFFIXES)]
    codec = Codec(model, quantizer=quantizer, effort=effort)
    records = []
    with Progress(console=console(), disable=not sys.stderr.isatty()) as bar:
        for path, picture in bar.track(readable(paths, complain), len(paths), description="evaluating"):
            records += [evaluate_picture(codec, path.name, picture, quality) for quality in qualities]
    if json_file:
        report = {
            "model": codec.model.name,
            "quantizer": codec.quantizer.name,
            "command": shlex.join(["trellic", *sys.argv[1:]]),
            "records": records,
        }
        write_atomically(json_file, lambda file: file.write(json.dumps(report, indent=1).encode()))
    print("quality     bpp  estimate    PSNR  MS-SSIM  encode s  decode s")
    for row in averages(records):
        print(
            f"{row['quality']:7g} {row['bpp']:7.4f}   {row['estimated_bpp']:7.4f} {row['psnr']:7.3f}  "
            f"{row['ms_ssim']:.5f}  {row['encode_seconds']:8.3f}  {row['decode_seconds']:8.3f}"
        )
    raise typer.Exit(int(len(records) < len(paths) * len(qualities)))
