"""trellic verify: are .tlic files whole? For archives, from time to time."""

from typing import Any

import typer

from trellic.cli.options import AtOnce, Inputs, Json, MostPixels, Quiet
from trellic.jobs.local import Manner, run
from trellic.jobs.plan import Job, find_files, threads_for
from trellic.limits import MOST_PIXELS


def verify(
    inputs: Inputs,
    max_pixels: MostPixels = MOST_PIXELS,
    at_once: AtOnce = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Check .tlic and .tlv files: checksums, and every index down to the last bit. Prints the indices' SHA-256."""
    from trellic.cli.clips import verify_clips
    from trellic.jobs.clips import are_streams
    from trellic.jobs.work import verify_file

    if are_streams(inputs):
        raise typer.Exit(verify_clips(inputs, max_pixels, Manner(False, as_json, quiet, at_once, writes=False)))

    def work(job: Job) -> dict[str, Any]:
        facts = verify_file(job.source, max_pixels, threads)
        return {**facts, "line": f"{facts['sha256']}  {job.name}"}

    jobs = [Job(path, path) for path, _ in find_files(inputs, [".tlic"])]
    threads = threads_for(jobs, at_once)
    raise typer.Exit(run(jobs, work, Manner(False, as_json, quiet, at_once, writes=False)))
