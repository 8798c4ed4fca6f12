"""The engine: a task → its records. It fetches sources ahead, codes them one by one, and delivers behind.

Every driver runs it in its workers. What it writes is the same wherever and however often it runs, and is whole or not
there; so a task whose worker died is simply done again.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from trellic.bulk.coding import Coding
from trellic.bulk.records import Record, as_text, failed, put_error, put_facts, record_of
from trellic.bulk.storage import deliver, store_of
from trellic.bulk.tars import TarReader, TarWriter
from trellic.bulk.tasks import Task, is_tar
from trellic.errors import FAILURES, BadRequest
from trellic.remote import retried

REQUESTS = 8
"""To storage at a time, of each worker."""
Fetch = Callable[[], tuple[Path, int]]
"""Returns a local file, and how often storage was asked for it."""


@dataclass(frozen=True)
class Engine:
    """Does tasks.

    threads  of the codec
    force    whether targets that exist are replaced
    scratch  a folder for temporary files, which whoever starts workers removes in the end
    """

    coding: Coding
    threads: int
    force: bool
    scratch: str

    def __call__(self, task: Task) -> list[Record]:
        """Do a task; its errors are in its records."""
        try:
            Path(self.scratch).mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=self.scratch) as folder, ThreadPoolExecutor(REQUESTS) as pool:
                if is_tar(task.rows[0].source):
                    return self._convert(task, Path(folder))
                return (self._pack if task.tar else self._files)(task, Path(folder), pool)
        except FAILURES as error:
            return failed(task, error)

    def _files(self, task: Task, folder: Path, pool: Executor) -> list[Record]:
        """Code files to files."""
        records, delivered = [], []
        for number, (row, fetch) in enumerate(zip(task.rows, self._fetched(task, folder, pool), strict=True)):
            record = record_of(row, task)
            target = folder / f"target-{number}{self.coding.suffix}"
            if self._code(record, fetch, target) and row.target:
                delivered.append((record, pool.submit(deliver, target, row.target, self.force)))
            records.append(record)
        for record, future in delivered:
            try:
                record["sha256"], tried = future.result()
                record["attempts"] += tried - 1
            except FAILURES as error:
                put_error(record, error)
        return records

    def _pack(self, task: Task, folder: Path, pool: Executor) -> list[Record]:
        """Code files into a tar."""
        records = []
        with TarWriter(folder / "packed.tar") as packed:
            for row, fetch in zip(task.rows, self._fetched(task, folder, pool), strict=True):
                record, target = record_of(row, task), folder / f"target{self.coding.suffix}"
                if self._code(record, fetch, target):
                    record["sha256"] = packed.move_in(row.target.removeprefix(f"{task.tar}#"), target)
                records.append(record)
        self._deliver(packed, task, records)
        return records

    def _convert(self, task: Task, folder: Path) -> list[Record]:
        """Code the pictures of a tar into another tar, or verify its streams; other members are copied."""
        (row,) = task.rows
        whole, records = record_of(row, task), []
        try:
            tar, tried = retried(lambda: store_of(row.source).fetch(row.source, folder / "source.tar"))
            whole["attempts"] += tried - 1
            with TarWriter(folder / "packed.tar") as packed:
                for name, data in TarReader(tar):
                    path = PurePosixPath(name)
                    is_coded = path.suffix.lower() in self.coding.suffixes
                    renamed = str(path.with_suffix(self.coding.suffix)) if is_coded else name
                    record = whole | {"source": as_text(f"{row.source}#{name}"), "size": len(data), "warnings": []}
                    if row.target:
                        record["target"] = as_text(f"{row.target}#{renamed}")
                    if row.target and renamed in packed.names:
                        put_error(record, BadRequest(f"another member becomes {renamed}, too"))
                        records.append(record)
                        continue
                    if not is_coded:
                        if row.target:
                            packed.add(name, data)
                        continue
                    source, target = folder / f"source{path.suffix}", folder / f"target{self.coding.suffix}"
                    source.write_bytes(data)
                    if self._code(record, partial(_there, source), target) and row.target:
                        record["sha256"] = packed.move_in(renamed, target)
                    records.append(record)
        except FAILURES as error:
            put_error(whole, error)
            return [whole]
        if not records:  # nothing in it is coded
            found = {"bytes": packed.path.stat().st_size} if packed.names else {"target": None}
            records = [whole | found]
        if row.target:
            self._deliver(packed, task, records)
        return records

    def _code(self, record: Record, fetch: Fetch, target: Path) -> bool:
        """Fetch and code a file; put facts, warnings or an error into its record. Return whether it went well."""
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                source, tried = fetch()
                start = time.perf_counter()
                put_facts(record, self.coding(source, target, self.threads))
                record["attempts"] += tried - 1
            except FAILURES as error:
                put_error(record, error)
                return False
            finally:
                record["seconds"] = time.perf_counter() - start
                record["warnings"] = [str(each.message) for each in caught]
        if self.coding.suffix:
            record["bytes"] = target.stat().st_size
        return True

    def _deliver(self, packed: TarWriter, task: Task, records: list[Record]) -> None:
        """Give a tar its place; where that fails, so did all that is in it."""
        if not packed.names:
            return
        try:
            _, tried = deliver(packed.path, task.tar, self.force)
        except FAILURES as error:
            for record in records:
                put_error(record, error)
            return
        for record in records:
            record["attempts"] += tried - 1

    def _fetched(self, task: Task, folder: Path, pool: Executor) -> Iterator[Fetch]:
        """Yield what waits for each source, all of them on their way; a fetched one is removed once it is done with."""
        waiting: list[tuple[Fetch, Path | None]] = []
        for number, row in enumerate(task.rows):
            store, spare = store_of(row.source), folder / f"source-{number}{PurePosixPath(row.source).suffix}"
            if store.is_near:
                waiting.append((partial(_there, Path(row.source)), None))
            else:
                waiting.append((pool.submit(retried, partial(store.fetch, row.source, spare)).result, spare))
        for fetch, fetched in waiting:
            yield fetch
            if fetched:
                fetched.unlink(missing_ok=True)


def _there(path: Path) -> tuple[Path, int]:
    """Fetch what is there already."""
    return path, 1
