"""trellic features: what a network sees of pictures, from the first part of their streams."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trellic.cli.options import DEFAULT, AtOnce, Force, Json, Model, MostPixels, Quiet
from trellic.jobs.local import Manner, run
from trellic.jobs.plan import Job, find_files, threads_for
from trellic.limits import MOST_PIXELS

Streams = Annotated[list[str], typer.Argument(metavar="IN...", help="Files, folders or glob patterns of .tlic files.")]


def features(
    inputs: Streams,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="TABLE.npz", help="Gets names and vectors.")],
    model: Model = DEFAULT,
    max_pixels: MostPixels = MOST_PIXELS,
    force: Force = False,
    at_once: AtOnce = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write a vector for each picture, from z and the first groups of latents alone: for search and classifiers."""
    import numpy as np

    from trellic.files import check_free
    from trellic.jobs.machine import Table, reader_named, vector_of

    check_free(out, force)
    jobs = [Job(path, path) for path, _ in find_files(inputs, [".tlic"])]
    reader, vectors = reader_named(model, threads_for(jobs, at_once)), {}

    def work(job: Job) -> dict[str, Any]:
        vectors[job] = vector_of(job.source, reader, max_pixels)
        return {"features": reader.networks.sha256.hex()}

    code = run(jobs, work, Manner(as_json=as_json, quiet=quiet, at_once=at_once, writes=False))
    done = [job for job in jobs if job in vectors]
    if done:
        found = np.array([vectors[job] for job in done])
        Table([job.name for job in done], found, reader.networks.sha256.hex()).write(out, force)
    raise typer.Exit(code)
