"""trellic evaluate: rate and distortion by real bytes."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, DEFAULT_QUANTIZER, Inputs, Model


def evaluate(
    inputs: Inputs,
    quality: Annotated[str, typer.Option("--quality", "-q", help="Qualities.")] = "10 30 50 70 90",
    quantizer: Annotated[str, typer.Option(help="How latents become integers.")] = DEFAULT_QUANTIZER,
    model: Model = DEFAULT,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all records here.")] = None,
) -> None:
    """Encode to bytes and decode every picture at every quality, and report what it took and what came back."""
    from rich.progress import Progress

    from trellic.cli.batch import console, find_files
    from trellic.codec import Codec
    from trellic.errors import BadRequest
    from trellic.evaluate.run import averages
    from trellic.evaluate.run import evaluate as run
    from trellic.files import write_atomically
    from trellic.image import SUFFIXES

    try:
        qualities = [float(word) for word in quality.replace(",", " ").split()]
    except ValueError as error:
        raise BadRequest(f"qualities {quality!r} are not numbers") from error
    paths = [path for path, _ in find_files(inputs, SUFFIXES)]
    codec = Codec(model, quantizer=quantizer)
    with Progress(console=console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("evaluating", total=len(paths))
        records = run(codec, paths, qualities, lambda path: bar.advance(task))
    if json_file:
        report = {
            "model": codec.model.name,
            "quantizer": quantizer,
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
