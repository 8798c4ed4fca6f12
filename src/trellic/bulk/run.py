"""A bulk run: list, skip what is done, do the rest by a driver, and keep the manifest."""

import itertools
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from trellic.bulk.coding import Coding
from trellic.bulk.engine import Engine
from trellic.bulk.manifest import Manifest, arrow
from trellic.bulk.records import Record
from trellic.bulk.storage import Entry, listed
from trellic.bulk.tasks import MOST_ROWS, TAR, Planner, Task, in_shard, is_tar, key_of, parse_shard, text_of
from trellic.errors import BadRequest, TooManyErrors
from trellic.processors import processors

Driver = Callable[[Iterable[Task], Engine, int], Generator[list[Record], None, None]]
"""Does tasks with so many cores, and yields the records of each when it is done."""
LARGE_THREADS = 4
"""Cores that a large picture gets: so many of its tiles are worked on at a time."""
TASKS_A_CORE = 8
"""At least, where there is little to do, so that all cores have some."""


@dataclass(frozen=True)
class Bulk:
    """What is wanted of a run.

    inputs       folders, files or URLs
    out          folder or URL of targets and manifest
    shard        I/N: only every Nth file
    pack         name of the tars that results are packed into, or ""
    table        whether the manifest ends as a table
    most_errors  more of which end the run
    force        whether targets that exist are replaced, and files done before are done again
    cores        of this machine to use, or 0 for all
    """

    coding: Coding
    inputs: list[str]
    out: str
    shard: str = "1/1"
    pack: str = ""
    table: bool = False
    most_errors: int | None = None
    force: bool = False
    cores: int = 0


@dataclass
class Progress:
    """How far a run is.

    total, before, done  files in all, those that an earlier run did, and those that this one did
    failed_before        those that an earlier run did that failed, or in which something did
    pictures             of those that were done; a tar holds many
    warned, errors       pictures of which something is lost, and those that failed
    """

    total: int
    before: int
    failed_before: int = 0
    done: int = 0
    pictures: int = 0
    warned: int = 0
    errors: int = 0
    source_bytes: int = 0
    bytes: int = 0
    started: float = field(default_factory=time.monotonic)

    def count(self, records: list[Record]) -> None:
        """Count the records of a task."""
        self.done += len({record["key"] for record in records})
        self.pictures += len(records)
        self.warned += sum(bool(record["warnings"]) for record in records)
        self.errors += sum(bool(record["error"]) for record in records)
        self.source_bytes += sum(record["size"] for record in records)
        self.bytes += sum(record["bytes"] or 0 for record in records)

    @property
    def rate(self) -> float:
        """Files a second."""
        return self.done / max(time.monotonic() - self.started, 1e-9)

    @property
    def seconds_left(self) -> float:
        """By the rate so far."""
        return (self.total - self.before - self.done) / max(self.rate, 1e-9)


def run_bulk(bulk: Bulk, driver: Driver, report: Callable[[Progress, list[Record]], None]) -> Progress:
    """Do what is wanted, report the records of each task, and return how it went.

    Raises BadRequest, NoPictures, StorageFailed, MissingLibrary or TooManyErrors.
    """
    number, count = parse_shard(bulk.shard)
    cores = bulk.cores or processors()
    if bulk.table:
        arrow()
    if not all([bulk.out, *bulk.inputs]):
        raise BadRequest("an input or the output has no name")
    if PurePosixPath(bulk.pack).is_absolute() or ".." in PurePosixPath(bulk.pack).parts:
        raise BadRequest(f"--pack {bulk.pack} is not below the output")
    coding = bulk.coding
    settings = coding.settings | ({"pack": bulk.pack} if bulk.pack else {})
    planner = Planner(text_of(settings), bulk.out if coding.suffix else "", coding.suffix, coding.suffix == ".tlic")
    entries = listed(bulk.inputs, coding.suffixes | {TAR}, partial(in_shard, number=number, count=count))
    planner.check(entries)
    manifest = Manifest(bulk.out, f"{number}-of-{count}")
    history = manifest.history()
    pending, failed = [], 0
    for entry in entries:
        key = key_of(entry, planner.settings)
        if bulk.force or key not in history.done:
            pending.append(entry)
        else:
            failed += key in history.failed
    progress = Progress(len(entries), len(entries) - len(pending), failed)
    with manifest.scratch() as scratch:
        try:
            for tasks, threads in _lanes(bulk, planner, pending, history.tars, cores):
                with closing(driver(tasks, Engine(coding, threads, bulk.force, scratch), cores)) as done:
                    for records in done:
                        manifest.add(records)
                        progress.count(records)
                        report(progress, records)
                        if bulk.most_errors is not None and progress.errors > bulk.most_errors:
                            raise TooManyErrors(f"{progress.errors} errors, more than --max-errors allows")
        finally:
            manifest.flush()
    if bulk.table:
        manifest.finish()
    return progress


def _lanes(
    bulk: Bulk, planner: Planner, pending: list[Entry], tars: set[str], cores: int
) -> Iterator[tuple[Iterator[Task], int]]:
    """Yield tasks, and the threads of an engine for them: small files on a core each, then large ones on several."""
    if bulk.pack:
        if any(is_tar(entry.below) for entry in pending):
            raise BadRequest("--pack is for single files: what tars hold is written to tars of the same names")
        name = bulk.pack if bulk.shard == "1/1" else f"{bulk.pack.removesuffix(TAR)}-{bulk.shard.replace('/', '-of-')}"
        yield planner.packs(pending, name, set() if bulk.force else tars), 1
        return
    threads = min(LARGE_THREADS, cores)
    large = [entry.size >= bulk.coding.large and not is_tar(entry.below) for entry in pending]
    small = len(large) - sum(large)
    if small:
        most = max(1, min(MOST_ROWS, small // (TASKS_A_CORE * cores)))
        yield planner.tasks(itertools.compress(pending, (not each for each in large)), most), 1
    if small < len(large):
        yield planner.tasks(itertools.compress(pending, large), 1), threads
