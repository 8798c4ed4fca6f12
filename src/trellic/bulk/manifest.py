"""The manifest: a record of every picture, kept while a run goes on and read by the next.

While running, records are JSON lines; a task's are one write, so that a kill leaves all of them or none. On this
machine they are appended to a file at once; in an object store, where files cannot grow, they are collected for a few
seconds and make a file of their own. In the end, all files of a shard become one of Parquet, where that is wanted.
"""

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from trellic.bulk.records import COLUMNS, Record, is_final
from trellic.bulk.storage import store_of
from trellic.bulk.tasks import TAR
from trellic.errors import MissingLibrary
from trellic.files import scratch_below
from trellic.remote import retried

FOLDER = "manifest"
LINES, TABLE = frozenset({".jsonl"}), frozenset({".parquet"})
COLLECTED = 10.0
"""Seconds of records that wait, where files cannot grow."""
GROUP = 10_000
"""Of a group of a table, which is held in memory."""


class History(NamedTuple):
    """What earlier runs did: the keys of finished files, 16 bytes each, of those of them that failed, or in which
    something did; and the tars that were made."""

    done: set[bytes]
    failed: set[bytes]
    tars: set[str]


class Manifest:
    """The manifest of a shard below an output folder or URL. Its methods raise StorageFailed."""

    def __init__(self, out: str, shard: str) -> None:
        self.store = store_of(out)
        self.folder, self.table = f"{out}/{FOLDER}/{shard}", f"{out}/{FOLDER}/{shard}.parquet"
        self._waiting: list[str] = []
        self._file, self._since = "", time.monotonic()

    def history(self) -> History:
        """Return what earlier runs did: of a picture's records the last counts, and a tar is done if all in it are.

        What is no longer on this machine as it was written, by its size, is not done.
        """
        done, tars = set[bytes](), set[str]()
        unfinished, failed = dict[int, bytes](), dict[int, bytes]()
        for record in self.records():
            key, identity = bytes.fromhex(record["key"]), _identity(record)
            done.add(key)
            unfinished.pop(identity, None)
            failed.pop(identity, None)
            if record["error"]:
                failed[identity] = key
            if not is_final(record) or not self._is_there(record):
                unfinished[identity] = key
            elif record["target"] and not record["error"] and f"{TAR}#" in record["target"]:
                tars.add(record["target"].partition(f"{TAR}#")[0] + TAR)
        return History(done - set(unfinished.values()), set(failed.values()), tars)

    def _is_there(self, record: Record) -> bool:
        """Return whether what a record names is where it was written, as far as that can be seen at no cost."""
        target = record["target"]
        if not self.store.is_near or not target or record["error"] or "\\udc" in target:  # a name that is no text
            return True
        path, member, _ = target.partition(f"{TAR}#")
        try:
            size = os.stat(path + TAR if member else path).st_size  # noqa: PTH116 — of a million files
        except FileNotFoundError:
            return False
        return bool(member) or size == record["bytes"]

    def add(self, records: list[Record]) -> None:
        """Add the records of a task."""
        self._waiting.append(json.dumps(records if len(records) > 1 else records[0]) + "\n")
        if self.store.is_near or time.monotonic() - self._since > COLLECTED:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            if not self._file or not self.store.is_near:
                self._file = f"{self.folder}/{time.time_ns():020}-{secrets.token_hex(4)}.jsonl"
            text = "".join(self._waiting).encode()
            retried(lambda: self.store.append(self._file, text))
        self._waiting, self._since = [], time.monotonic()

    def records(self) -> Iterator[Record]:
        """Yield all records, the earliest first; some were replaced by later ones of the same key and source."""
        with TemporaryDirectory() as folder:
            spare = Path(folder) / "fetched"
            for path in [*self._paths(self.table, TABLE), *self._paths(self.folder, LINES)]:
                fetched, _ = retried(lambda path=path: self.store.fetch(path, spare))  # type: ignore[misc]
                yield from (records_of_table if path.endswith(".parquet") else records_of_lines)(fetched)

    def finish(self) -> None:
        """Make one table of all records, each file's last, and remove the lines. Raises MissingLibrary."""
        pyarrow, parquet = arrow()
        types = {"list<string>": pyarrow.list_(pyarrow.string())}
        fields = [(name, types.get(kind) or pyarrow.type_for_alias(kind)) for name, kind in COLUMNS.items()]
        schema = pyarrow.schema(fields)
        self.flush()
        lines = self._paths(self.folder, LINES)
        last = {_identity(record): number for number, record in enumerate(self.records())}
        with TemporaryDirectory() as folder:
            path = Path(folder) / "manifest.parquet"
            with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
                group: list[Record] = []
                for number, record in enumerate(self.records()):
                    if last.get(_identity(record)) == number:
                        group.append(record)
                    if len(group) == GROUP:
                        writer.write_table(pyarrow.Table.from_pylist(group, schema))
                        group = []
                writer.write_table(pyarrow.Table.from_pylist(group, schema))
            retried(lambda: self.store.put(path, self.table, True))
        for path_of_lines in lines:
            retried(lambda path=path_of_lines: self.store.remove(path))  # type: ignore[misc]

    def scratch(self) -> AbstractContextManager[str]:
        """Return a folder for temporary files: on this machine's disk of results, which then get another name only."""
        return scratch_below(Path(self.folder)) if self.store.is_near else TemporaryDirectory(prefix="trellic-bulk-")

    def _paths(self, root: str, suffixes: frozenset[str]) -> list[str]:
        try:
            found = retried(lambda: list(self.store.files(root, suffixes)))[0]
        except FileNotFoundError:
            return []
        return sorted(entry.root + entry.below for entry in found)


def records_of_lines(path: Path) -> Iterator[Record]:
    """Yield the records in a file of JSON lines."""
    with path.open("rb") as lines:
        for line in lines:
            try:
                found = json.loads(line)
            except ValueError:  # the last line of a run that was killed
                continue
            yield from found if isinstance(found, list) else [found]


def records_of_table(path: Path) -> Iterator[Record]:
    """Yield the records in a table. Raises MissingLibrary."""
    _, parquet = arrow()
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(GROUP):
            yield from batch.to_pylist()


def arrow() -> tuple[Any, Any]:
    """Return pyarrow and its module for Parquet. Raises MissingLibrary."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingLibrary("a manifest of Parquet needs pyarrow: pip install 'trellic[remote]'") from error
    return pyarrow, pyarrow.parquet


def _identity(record: Record) -> int:
    """Return a number for whom a record is of: a source under a key."""
    return hash((record["key"], record["source"]))
