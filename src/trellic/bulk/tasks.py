"""What is to be done: listed files become rows, rows tasks, and a task goes to one worker at a time.

A row's key says all that its result depends on: the source and its size and tag, the settings, the model, the release.
A picture that is done is recognized by it, and one that has changed since is not.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Set
from itertools import count
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from trellic import __version__
from trellic.bulk.storage import Entry
from trellic.bulk.tars import member_names
from trellic.errors import BadRequest
from trellic.jobs.plan import renamed

TAR = ".tar"
MOST_ROWS, MOST_BYTES = 256, 1 << 23
"""Of a task: what a worker that dies takes with it."""
PACKED_ROWS, PACKED_BYTES = 1000, 1 << 28
"""Of a tar that is made of single files."""


def is_tar(name: str) -> bool:
    """Return whether a file is a tar, by its name."""
    return name.lower().endswith(TAR)


class Row(NamedTuple):
    """A file to work on; `target` is "" where nothing is written."""

    source: str
    target: str
    size: int
    key: str


class Task(NamedTuple):
    """Rows that one worker does.

    tar    the tar that holds the results, or ""
    tried  how many workers died of it
    """

    rows: list[Row]
    tar: str = ""
    tried: int = 0


def key_of(entry: Entry, settings: str) -> bytes:
    """Return a file's key, 16 bytes, given the settings as text."""
    facts = [entry.root + entry.below, entry.size, entry.tag, settings, __version__]
    return hashlib.sha256(json.dumps(facts).encode()).digest()[:16]


def text_of(settings: dict[str, Any]) -> str:
    """Return settings as a key has them."""
    return json.dumps(settings, sort_keys=True)


def parse_shard(text: str) -> tuple[int, int]:
    """Return "3/64" as numbers. Raises BadRequest."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise BadRequest(f"--shard {text!r} is not I/N, from 1/N to N/N")
    return int(number), int(count)


def in_shard(entry: Entry, number: int, count: int) -> bool:
    """Return whether a file is of a shard: by its name alone, so that other files change nothing."""
    return zlib.crc32(entry.below.encode("utf-8", "surrogateescape")) % count == number - 1


class Planner(NamedTuple):
    """Turns files into tasks.

    settings  of the run, as text
    out       folder or URL below which targets lie; "" where nothing is written
    suffix    of a target
    keeps     whether a target's name has its source's suffix too, so that no two of a folder share one
    """

    settings: str
    out: str
    suffix: str
    keeps: bool

    def row(self, entry: Entry) -> Row:
        """Return a file's row."""
        target = f"{self.out}/{self._renamed(entry.below)}" if self.out else ""
        return Row(entry.root + entry.below, target, entry.size, key_of(entry, self.settings).hex())

    def _renamed(self, below: str) -> str:
        if is_tar(below):
            return below[: -len(TAR)] + TAR
        return str(renamed(PurePosixPath(below), self.suffix, self.keeps))

    def check(self, entries: Iterable[Entry]) -> None:
        """Raise BadRequest where two files would be written to one target."""
        seen: set[int] = set()
        for entry in entries if self.out else ():
            target = hash(self._renamed(entry.below))
            if target in seen:
                raise BadRequest(f"{entry.root}{entry.below}: another input has the same target")
            seen.add(target)

    def tasks(self, entries: Iterable[Entry], most_rows: int) -> Iterator[Task]:
        """Yield tasks of up to so many rows; a tar is a task of its own, and what its pictures become makes another."""
        for group in grouped(entries, most_rows, MOST_BYTES):
            rows = [self.row(entry) for entry in group]
            yield Task(rows, rows[0].target if is_tar(rows[0].source) else "")

    def packs(self, entries: Iterable[Entry], name: str, used: Set[str]) -> Iterator[Task]:
        """Yield tasks whose results make tars: name-000000.tar and so on, without those that are `used`."""
        tars = (f"{self.out}/{name.removesuffix(TAR)}-{number:06}{TAR}" for number in count())
        unused = (tar for tar in tars if tar not in used)
        for group, tar in zip(grouped(entries, PACKED_ROWS, PACKED_BYTES), unused, strict=False):
            names = member_names([entry.below for entry in group], self.suffix)
            yield Task(
                [self.row(entry)._replace(target=f"{tar}#{name}") for entry, name in zip(group, names, strict=True)],
                tar,
            )


def grouped(entries: Iterable[Entry], most: int, most_bytes: int) -> Iterator[list[Entry]]:
    """Yield files in groups of bounded number and size; a tar is a group of its own."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        alone = is_tar(entry.below) or (group and is_tar(group[-1].below))
        if group and (alone or len(group) == most or size + entry.size > most_bytes):
            yield group
            group, size = [], 0
        group.append(entry)
        size += entry.size
    if group:
        yield group
