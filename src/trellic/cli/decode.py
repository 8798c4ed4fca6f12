"""trellic decode: .tlic files → pictures."""

from typing import Annotated, Any

import typer

from trellic.cli.batch import Job, plan, run
from trellic.cli.options import Force, Inputs, Json, MostPixels, Output, Resume
from trellic.container.header import MOST_PIXELS


def decode(
    inputs: Inputs,
    out: Output = None,
    format: Annotated[str, typer.Option("--format", help="Suffix of the pictures, where OUT names no file.")] = "png",
    max_pixels: MostPixels = MOST_PIXELS,
    force: Force = False,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Turn .tlic files back into pictures, of any kind that Pillow writes."""
    from trellic import api
    from trellic.cli.resume import check_picture
    from trellic.image import save

    def work(job: Job) -> dict[str, Any]:
        image = api.decode(job.source.read_bytes(), max_pixels)
        save(image, job.target)
        facts = {"width": image.width, "height": image.height, "mode": image.mode}
        return {**facts, "line": f"{job.source} → {job.target}  {image.width}×{image.height}"}

    jobs = plan(inputs, out, [".tlic"], f".{format.lstrip('.')}")
    raise typer.Exit(run(jobs, work, force, as_json, check_picture if resume else None))
