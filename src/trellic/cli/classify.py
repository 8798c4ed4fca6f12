"""trellic classify: classes of pictures, by a head."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trellic.cli.features import Streams
from trellic.cli.options import AtOnce, Json, MostPixels
from trellic.jobs.local import Manner, run
from trellic.jobs.plan import Job, find_files, threads_for
from trellic.limits import MOST_PIXELS


def classify(
    inputs: Streams,
    head: Annotated[Path, typer.Option("--head", metavar="NAME.trh", help="What `trellic train-head` wrote.")],
    max_pixels: MostPixels = MOST_PIXELS,
    at_once: AtOnce = 0,
    as_json: Json = False,
) -> None:
    """Name the class of each picture, from the first part of its stream: it may be cut off after that."""
    from trellic.jobs.machine import reader_named, vector_of
    from trellic.machine.head import Head

    jobs, by = [Job(path, path) for path, _ in find_files(inputs, [".tlic"])], Head.read(head)
    reader = reader_named(by.card["model"], threads_for(jobs, at_once))
    by.check_networks(reader.networks)

    def work(job: Job) -> dict[str, Any]:
        found = by.probabilities(vector_of(job.source, reader, max_pixels))
        best = int(found.argmax())
        classes = {name: float(one) for name, one in zip(by.classes, found, strict=True)}
        facts = {"class": by.classes[best], "probability": float(found[best]), "classes": classes}
        return {**facts, "line": f"{job.name}: {by.classes[best]}, {found[best]:.1%}"}

    raise typer.Exit(run(jobs, work, Manner(as_json=as_json, at_once=at_once, writes=False)))
