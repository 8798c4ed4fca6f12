"""Do jobs on this machine: several at a time, with progress; failures do not stop the others."""

import json
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from trellic.errors import FAILURES, BadRequest, FileExists, TrellicError
from trellic.files import STANDARD, check_free, remove_strays
from trellic.jobs.plan import Job, check_not_source, check_there, clashes, workers_for

Part = TypeVar("Part")
Record = dict[str, Any]
"""What is said of a job, with --json."""
_STOPPED = threading.Event()
"""Set once a run is to end: pictures in tiles are given up."""


class _Warnings(threading.local):
    """The warnings of the job that a thread works on."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def take(self, message: Warning | str, *rest: object) -> None:
        """Do what warnings.showwarning does."""
        if str(message) not in self.texts:  # as where a clip is read once more for each trial
            self.texts.append(str(message))


@dataclass(frozen=True)
class Manner:
    """How jobs are done.

    force    whether files that exist are overwritten
    as_json  whether records are printed, instead of a line each
    quiet    whether only errors are printed
    at_once  most jobs at a time, or 0 for as many as there are processors
    writes   whether they write their targets, or only read
    resumes  whether the same command with --resume does the rest
    """

    force: bool = False
    as_json: bool = False
    quiet: bool = False
    at_once: int = 0
    writes: bool = True
    resumes: bool = False

    def shows_tiles(self, jobs: Sequence[Job]) -> bool:
        """Return whether progress within a file is shown."""
        return len(jobs) == 1 and not self.as_json and not self.quiet


def run(
    jobs: list[Job],
    work: Callable[[Job], Record],
    manner: Manner,
    check_done: Callable[[Job], None] | None = None,
) -> int:
    """Do every job, several at a time; print a line or a JSON record each, in order; return the exit code.

    `work` returns the facts of one job, with a `line`, or a list of them, for people. The exit code is 1 where any
    failed; of jobs with one target the first is done. `check_done`, given to resume an earlier run, raises a
    TrellicError where a target that exists is not what the job would write; else the job is skipped. Raises BadRequest.
    """
    piped = manner.writes and any(job.target == STANDARD for job in jobs)
    if piped and manner.as_json:
        raise BadRequest("standard output cannot hold both the result and --json")
    if check_done and any(job.source == STANDARD for job in jobs):
        raise BadRequest("--resume reads a source twice, which standard input cannot be")
    clashing = clashes(jobs) if manner.writes else {}
    for job, other in clashing.items():
        complain(f"{job.name}: {_clash(job, other)}")
    if check_done:
        remove_strays(job.target for job in jobs)
    records = _do_all(jobs, _Worker(work, manner, check_done, clashing, piped))
    failures = sum("error" in record for record in records)
    if check_done and not manner.quiet:
        complain(f"{sum('skipped' in record for record in records)} of {len(jobs)} were there already, whole")
    if manner.as_json:
        print(json.dumps(records, indent=1))
    if len(jobs) > 1 and failures:
        complain(f"{failures} of {len(jobs)} failed")
    return 1 if failures else 0


@dataclass(frozen=True)
class _Worker:
    """Does one job, and reports it.

    clashing  jobs that are not done, each with the one before that has its target
    piped     whether standard output is a target
    """

    work: Callable[[Job], Record]
    manner: Manner
    check_done: Callable[[Job], None] | None
    clashing: dict[Job, Job]
    piped: bool
    warned: _Warnings = field(default_factory=_Warnings)

    def do(self, job: Job) -> Record:
        """Return the record of a job, with its error where it failed."""
        record: Record = {"source": job.name} | ({"target": str(job.target)} if self.manner.writes else {})
        self.warned.texts = []
        try:
            if job in self.clashing:
                return record | {"error": _clash(job, self.clashing[job])}
            if self.check_done and job.target.is_file() and _is_done(job, self.check_done, self.manner.force):
                return record | {"skipped": True}
            check_there(job)
            if self.manner.writes:
                check_not_source(job)
                if not (job.target.is_dir() and not any(job.target.iterdir())):  # an empty folder is to be filled
                    check_free(job.target, self.manner.force)
            record |= self.work(job)
        except FAILURES as error:
            record["error"] = describe(error, job)
        return record | {"warnings": self.warned.texts}

    def report(self, job: Job, record: Record) -> None:
        """Print what people should see of a record, and take its `line` out."""
        line = record.pop("line", "")
        texts = [] if self.manner.quiet else record.get("warnings", [])
        errors = [record["error"]] if "error" in record and job not in self.clashing else []
        for text in [*texts, *errors]:
            complain(f"{job.name}: {text}")
        if line and not self.manner.as_json and not self.manner.quiet:
            lines = line if isinstance(line, list) else [line]
            print(*map(printable, lines), sep="\n", file=sys.stderr if self.piped else sys.stdout)


def _do_all(jobs: list[Job], worker: _Worker) -> list[Record]:
    """Return the records of all jobs, each reported in its turn."""
    from rich.progress import track

    _STOPPED.clear()
    manner, records = worker.manner, list[Record]()
    hidden = manner.as_json or manner.quiet or len(jobs) == 1 or not sys.stderr.isatty()
    with warnings.catch_warnings(), ThreadPoolExecutor(workers_for(jobs, manner.at_once)) as pool:
        warnings.simplefilter("always")
        warnings.showwarning = worker.warned.take  # type: ignore[assignment]
        try:
            done = zip(jobs, pool.map(worker.do, jobs), strict=True)
            for job, record in track(done, "", len(jobs), disable=hidden, console=console()):
                worker.report(job, record)
                records.append(record)
        except BaseException as end:
            if not isinstance(end, Exception):
                goes_on = "; --resume goes on" if manner.resumes else ""
                complain(f"stopped after {len(records)} of {len(jobs)}{goes_on}; small files at hand are finished")
                _STOPPED.set()
            pool.shutdown(cancel_futures=True)
            raise
    return records


def _clash(job: Job, other: Job) -> str:
    return f"{job.target} is what another input, {other.name}, is written to"


@contextmanager
def bar_of_tiles(wanted: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield a progress bar over the tiles of a picture; none is shown for one tile, or without a terminal."""
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


def describe(error: TrellicError | OSError | MemoryError, job: Job) -> str:
    """Return an error in a line, after the source's name: ours say it all, the system's lack the target."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, OSError):
        reason, file = error.strerror or str(error), Path(error.filename or job.target)
        return reason if file == job.source else f"{reason}: {file}"
    return str(error)


def complain(message: str) -> None:
    """Print a line on stderr."""
    print(printable(message), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Return text as one line that a terminal shows: what else names of files may hold is escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def console() -> Any:
    """Return a rich console on stderr, where progress belongs."""
    from rich.console import Console

    return Console(stderr=True)
