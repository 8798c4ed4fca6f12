"""trellic layers: the first layers of .tlic files as files of their own."""

from typing import Annotated, Any

import typer

from trellic.cli.options import AtOnce, Force, Inputs, Json, Output, Quiet
from trellic.jobs.local import Manner, run
from trellic.jobs.plan import Job, plan


def layers(
    inputs: Inputs,
    out: Output = None,
    keep: Annotated[int | None, typer.Option(min=1, metavar="K", help="Keep so many layers.")] = None,
    size: Annotated[
        int | None, typer.Option(min=1, metavar="BYTES", help="Keep as many layers as fit into so many bytes.")
    ] = None,
    force: Force = False,
    at_once: AtOnce = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Cut .tlic files that are coded in layers after one: whole, smaller files, and nothing is coded again."""
    from trellic.errors import BadRequest
    from trellic.jobs.work import cut_file

    if (keep is None) == (size is None):
        raise BadRequest("give one of --keep and --size")
    jobs = plan(inputs, out, [".tlic"], ".layers.tlic")

    def work(job: Job) -> dict[str, Any]:
        facts = cut_file(job, keep, size, force)
        return {**facts, "line": f"{job.name} → {job.target}  {facts['layers']} layers, {facts['bytes']} bytes"}

    raise typer.Exit(run(jobs, work, Manner(force, as_json, quiet, at_once)))
