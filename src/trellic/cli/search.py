"""trellic search: which pictures are like one."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from trellic.cli.options import AtOnce, Json, MostPixels
from trellic.jobs.local import Manner, printable, run
from trellic.jobs.plan import Job, find_files, threads_for
from trellic.limits import MOST_PIXELS


def search(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="IN...", help="Files, folders or glob patterns of .tlic files, or tables of features."),
    ],
    like: Annotated[Path, typer.Option("--like", metavar="IN.tlic", help="What they are compared with.")],
    top: Annotated[int, typer.Option(min=1, help="Show at most so many.")] = 10,
    max_pixels: MostPixels = MOST_PIXELS,
    at_once: AtOnce = 0,
    as_json: Json = False,
) -> None:
    """Find the pictures that are most like one, by the angle between their vectors."""
    from trellic.errors import naming
    from trellic.jobs.machine import SUFFIX, Table, likeness, reader_of_file, vector_of

    jobs = [Job(path, path) for path, _ in find_files(inputs, [".tlic", SUFFIX])]
    with naming(like):
        reader = reader_of_file(like, threads_for(jobs, at_once), max_pixels)
        wanted = vector_of(like, reader, max_pixels)
    found = set[tuple[float, str]]()

    def work(job: Job) -> dict[str, Any]:
        if job.source.suffix.lower() == SUFFIX:
            table = Table.read(job.source)
            table.check_networks(reader.networks)
            names, vectors = table.names, table.vectors
        else:
            names, vectors = [job.name], vector_of(job.source, reader, max_pixels)[None]
        found.update(zip(map(float, likeness(vectors, wanted)), names, strict=True))
        return {}

    code = run(jobs, work, Manner(quiet=True, at_once=at_once, writes=False))
    best = sorted(found, key=lambda one: (-one[0], one[1]))[:top]
    if as_json:
        print(json.dumps([{"source": name, "likeness": value} for value, name in best], indent=1))
    else:
        for value, name in best:
            print(f"{value:6.3f}  {printable(name)}")
    raise typer.Exit(code)
