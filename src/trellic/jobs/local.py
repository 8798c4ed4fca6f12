"""Do jobs on this machine: several at a time, with progress, going on past those that fail."""

import json
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from trellic.errors import FileExists, TrellicError
from trellic.files import check_free, remove_strays
from trellic.jobs.plan import Job, workers_for

Part = TypeVar("Part")
_STOPPED = threading.Event()
"""Set once a run is to end: pictures in tiles are given up."""


class _Warnings(threading.local):
    """The warnings of the job that a thread works on."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def take(self, message: Warning | str, *rest: object) -> None:
        """Stand in for warnings.showwarning."""
        self.texts.append(str(message))


def run(
    jobs: list[Job],
    work: Callable[[Job], dict[str, Any]],
    force: bool,
    as_json: bool,
    check_done: Callable[[Job], None] | None = None,
) -> int:
    """Do every job, several at a time; print a line or a JSON record each, in order; return the exit code.

    `work` returns the facts of one job, with a `line` for people. The exit code is 1 where any failed.
    `check_done`, given to resume an earlier run, raises a TrellicError where a target that exists is not what the job
    would write; else the job is passed over.
    """
    from rich.progress import track

    first = {job.target.resolve(): job for job in reversed(jobs)}
    told = _Warnings()

    def do(job: Job) -> dict[str, Any]:
        record: dict[str, Any] = {"source": str(job.source), "target": str(job.target)}
        told.texts = []
        try:
            if first[job.target.resolve()] is not job:
                raise FileExists(f"{job.target} is what another input is written to")
            if check_done and job.target.exists() and _is_done(job, check_done, force):
                return record | {"passed_over": True}
            check_free(job.target, force)
            record |= work(job)
            record["warnings"] = told.texts
        except (TrellicError, OSError) as error:
            record["error"] = describe(error, job)
        return record

    if check_done:
        remove_strays(first)
    records: list[dict[str, Any]] = []
    hidden = as_json or len(jobs) == 1 or not sys.stderr.isatty()
    with warnings.catch_warnings(), ThreadPoolExecutor(workers_for(jobs)) as pool:
        warnings.simplefilter("always")
        warnings.showwarning = told.take  # type: ignore[assignment]
        try:
            for record in track(pool.map(do, jobs), "", len(jobs), disable=hidden, console=console()):
                line = record.pop("line", "")
                for text in [*record.get("warnings", []), *filter(None, [record.get("error")])]:
                    print(f"{record['source']}: {text}", file=sys.stderr)
                if line and not as_json:
                    print(line)
                records.append(record)
        except BaseException as end:
            if not isinstance(end, Exception):
                complain("stopped; the files at hand are finished first, unless they are large")
                _STOPPED.set()
            pool.shutdown(cancel_futures=True)
            raise
    failures = sum("error" in record for record in records)
    passed_over = sum("passed_over" in record for record in records)
    if check_done:
        complain(f"{passed_over} of {len(jobs)} were there already, whole")
    if as_json:
        print(json.dumps(records, indent=1))
    if len(jobs) > 1 and failures:
        print(f"{failures} of {len(jobs)} failed", file=sys.stderr)
    return 1 if failures else 0


@contextmanager
def bar_of_tiles(wanted: bool) -> Iterator[Callable[[int, int], None]]:
    """Give what shows how many of a picture's tiles are done; nothing is shown where there is one, or no terminal."""
    from rich.progress import Progress

    with Progress(console=console(), disable=not wanted or not sys.stderr.isatty(), transient=True) as bar:
        tasks: list[Any] = []

        def show(done: int, tiles: int) -> None:
            if tiles > 1:
                if _STOPPED.is_set():
                    raise KeyboardInterrupt
                tasks.extend([] if tasks else [bar.add_task("", total=tiles)])
                bar.update(tasks[0], completed=done)

        yield show


def followed(parts: Iterator[Part], count: int, wanted: bool) -> Iterator[Part]:
    """Yield parts, showing how many of them are done."""
    with bar_of_tiles(wanted) as show:
        for done, part in enumerate(parts, 1):
            yield part
            show(done, count)


def _is_done(job: Job, check_done: Callable[[Job], None], force: bool) -> bool:
    """Return whether a target that exists is whole. Raises FileExists where it is not, unless `force` overwrites it."""
    try:
        check_done(job)
    except TrellicError as error:
        if not force:
            raise FileExists(f"{job.target} exists, but not as expected: {error} (--force overwrites)") from error
        return False
    return True


def describe(error: TrellicError | OSError, job: Job) -> str:
    """Return an error in a line: ours say it all, the system's lack the file."""
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename or job.target}"
    return str(error)


def complain(message: str) -> None:
    """Print a line on stderr."""
    print(message, file=sys.stderr, flush=True)


def console() -> Any:
    """Return a rich console on stderr, where progress belongs."""
    from rich.console import Console

    return Console(stderr=True)
