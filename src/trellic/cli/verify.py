"""trellic verify: are .tlic and .tlv files whole? For archives, from time to time."""

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
    from trellic.jobs.clips import SUFFIX, verify_clip
    from trellic.jobs.work import verify_file

    def work(job: Job) -> dict[str, Any]:
        is_clip = job.source.suffix.lower() == SUFFIX
        facts = (verify_clip if is_clip else verify_file)(job.source, max_pixels, threads)
        return {**facts, "line": f"{facts['sha256']}  {job.name}"}

    jobs = [Job(path, path) for path, _ in find_files(inputs, [".tlic", SUFFIX])]
    threads = threads_for(jobs, at_once)
    raise typer.Exit(run(jobs, work, Manner(False, as_json, quiet, at_once, writes=False)))
