"""trellic evaluate: rate and distortion by real bytes."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, DEFAULT_EFFORT, Effort, Force, Model, PictureFiles, Quantizer, named_file
from trellic.provenance import command


def evaluate(
    inputs: PictureFiles,
    quality: Annotated[str, typer.Option("--quality", "-q", help="Qualities.")] = "10 30 50 70 90",
    effort: Effort = DEFAULT_EFFORT,
    quantizer: Quantizer = "",
    model: Model = DEFAULT,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", callback=named_file, help="Write all records here.")
    ] = None,
    force: Force = False,
) -> None:
    """Encode to bytes and decode every picture at every quality, and report bytes, times and quality.

    The pixels alone are coded: alpha, colour profile and EXIF are not. The file is JSON lines: a head, then a record of
    each picture at each quality.
    """
    from rich.progress import Progress

    from trellic.errors import BadRequest
    from trellic.evaluate.codecs.trellic import trellic
    from trellic.evaluate.measure import Harness, Results, processes
    from trellic.evaluate.report.tables import averages_table
    from trellic.evaluate.sets import members
    from trellic.files import check_free
    from trellic.jobs.local import complain, console
    from trellic.jobs.plan import find_pictures
    from trellic.picture.kinds import readable_suffixes
    from trellic.picture.pillow import readable

    try:
        qualities = tuple(float(word) for word in quality.replace(",", " ").split())
    except ValueError as error:
        raise BadRequest(f"qualities {quality!r} are not numbers") from error
    if not qualities or not all(0 <= each <= 100 for each in qualities):
        raise BadRequest(f"qualities {quality!r} are not some of 0 to 100")
    if json_file:
        check_free(json_file, force)
    pictures = {member.path: member for member in members(find_pictures(inputs, readable_suffixes(), complain))}
    codec = trellic(model, effort=effort, quantizer=quantizer, threads=0)._replace(curve=qualities)
    results = Results(json_file)
    results.prepare([codec], command())
    with processes() as pool, Progress(console=console(), disable=not sys.stderr.isatty()) as bar:
        harness = Harness([codec], results, ("psnr", "ms_ssim"), pool, complain)
        for path, picture in bar.track(readable(pictures, complain), len(pictures), description="evaluating"):
            harness.measure(pictures[path].group, pictures[path].name, picture.pixels)
    print(averages_table(results.records, codec.name).text())
    raise typer.Exit(int(len(results.records) < len(pictures) * len(qualities)))
