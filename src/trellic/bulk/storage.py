"""Where pictures lie: folders of this machine, or any URL that fsspec opens. Only storage is tried again.

A target is written whole: on this machine under another name first, in an object store by one request. One that exists
stays, unless `force` says otherwise; the same bytes again are no conflict, since coding is deterministic.
"""

import errno
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from trellic.errors import FileExists, NoPictures
from trellic.files import below_of, files_below, is_scratch, move
from trellic.remote import retried, system_of

TAGS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified", "updated", "created")
"""By which storage says that a file has changed, the best first."""


class Entry(NamedTuple):
    """A file that was listed: its place is `root` + `below`, and `tag` changes when it does."""

    root: str
    below: str
    size: int
    tag: str


class Store(Protocol):
    """Files by path or URL."""

    is_near: bool
    """Whether files are those of this machine: read where they are, and able to grow."""

    def files(self, root: str, suffixes: Set[str]) -> Iterator[Entry]:
        """Yield files by suffix, in no order: `root` itself where it is one, else all below it.

        Folders of this machine that cannot be listed are among them: whoever reads them finds out.
        """

    def fetch(self, path: str, spare: Path) -> Path:
        """Return a local file of the same bytes, `spare` where there is none yet."""

    def read(self, path: str, most: int = -1) -> bytes:
        """Return a file's bytes, so many of them at most."""

    def put(self, file: Path, path: str, force: bool) -> None:
        """Give a local file, which may then be gone, its place, whole. Raises FileExistsError."""

    def append(self, path: str, data: bytes) -> None:
        """Add to a file, or write it at once where it cannot grow."""

    def remove(self, path: str) -> None:
        """Remove a file."""


def near(url: str) -> str:
    """Return the path that a file:// URL names, and anything else as it is, without slashes at its end."""
    path = url.removeprefix("file://") if url.startswith("file:///") else url
    return re.sub("(?<=[^:/])/+$", "", path)


def store_of(url: str) -> Store:
    """Return the store of a path or URL. Raises MissingLibrary."""
    return Remote(url) if "://" in url else Local()


class Local:
    """Folders of this machine."""

    is_near = True

    def files(self, root: str, suffixes: Set[str]) -> Iterator[Entry]:
        """See `Store`."""
        path = Path(root)
        folder, found = (path.parent, iter([path])) if path.is_file() else (path, files_below(path))
        above = f"{folder}/"
        for entry in found:
            if os.path.isdir(entry) or (entry.suffix.lower() in suffixes and not is_scratch(entry)):  # noqa: PTH112
                try:
                    facts = entry.stat()
                    seen = facts.st_size, str(facts.st_mtime_ns)
                except OSError:  # whoever reads it finds out
                    seen = 0, ""
                yield Entry(above, below_of(entry, folder).as_posix(), *seen)

    def fetch(self, path: str, spare: Path) -> Path:
        """See `Store`."""
        return Path(path)

    def read(self, path: str, most: int = -1) -> bytes:
        """See `Store`."""
        with Path(path).open("rb") as file:
            return file.read(most)

    def put(self, file: Path, path: str, force: bool) -> None:
        """See `Store`."""
        try:
            move(file, Path(path), replace=force)
        except FileExists as error:
            raise FileExistsError(path) from error

    def append(self, path: str, data: bytes) -> None:
        """See `Store`."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with Path(path).open("ab", buffering=0) as file:
            end = file.tell()
            if file.write(data) < len(data):
                file.truncate(end)  # the next try begins where this one did
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    def remove(self, path: str) -> None:
        """See `Store`."""
        Path(path).unlink(missing_ok=True)


class Remote:
    """What fsspec opens: s3://, gs://, az://, https://, memory:// … Options and credentials are fsspec's own."""

    is_near = False

    def __init__(self, url: str) -> None:
        self.scheme = url.partition("://")[0]
        self.system: Any = system_of(url)

    def files(self, root: str, suffixes: Set[str]) -> Iterator[Entry]:
        """See `Store`."""
        start = self.system._strip_protocol(root)
        found = self.system.find(start, detail=True)
        while found:
            name, facts = found.popitem()
            if Path(name).suffix.lower() in suffixes:
                below = name[len(start) :].lstrip("/") or name.rpartition("/")[2]
                url = str(self.system.unstrip_protocol(name))
                tag = next((str(facts[key]) for key in TAGS if facts.get(key)), "")
                yield Entry(sys.intern(url[: -len(below)]), below, int(facts.get("size") or 0), tag)

    def fetch(self, path: str, spare: Path) -> Path:
        """See `Store`."""
        self.system.get_file(path, str(spare))
        return spare

    def read(self, path: str, most: int = -1) -> bytes:
        """See `Store`."""
        with self.system.open(path, "rb") as file:
            return bytes(file.read(most))

    def put(self, file: Path, path: str, force: bool) -> None:
        """See `Store`."""
        self.system.pipe_file(path, file.read_bytes(), mode="overwrite" if force else "create")

    def append(self, path: str, data: bytes) -> None:
        """See `Store`."""
        self.system.pipe_file(path, data)

    def remove(self, path: str) -> None:
        """See `Store`."""
        self.system.rm_file(path)


def deliver(file: Path, path: str, force: bool) -> tuple[str, int]:
    """Give a local file, which may then be gone, its place; return its SHA-256, and how often that was tried.

    Raises FileExists where there are other bytes already, and StorageFailed.
    """
    store = store_of(path)
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    try:
        _, tried = retried(lambda: store.put(file, path, force))
    except FileExistsError as error:
        found, tried = retried(lambda: store.read(path))
        if hashlib.sha256(found).hexdigest() != digest:
            raise FileExists(f"{path} exists, with other bytes (--force overwrites)") from error
    return digest, tried


def listed(roots: list[str], suffixes: Set[str], wanted: Callable[[Entry], bool]) -> list[Entry]:
    """Return the wanted files below folders or URLs, sorted, each once: as the first of them has it.

    Raises NoPictures or StorageFailed.
    """
    found, seen = list[Entry](), set[int]()
    for root in roots:
        store = store_of(root)
        entries, _ = retried(lambda store=store, root=root: _files(store, root, suffixes, wanted))  # type: ignore[misc]
        for entry in entries:
            place = hash(entry.root + entry.below)
            if place not in seen:
                seen.add(place)
                found.append(entry)
    return sorted(found)


def _files(store: Store, root: str, suffixes: Set[str], wanted: Callable[[Entry], bool]) -> list[Entry]:
    """Return the wanted files below a root; of what is not wanted, nothing is kept. Raises NoPictures."""
    found, count = [], 0
    for entry in store.files(root, suffixes):
        count += 1
        if wanted(entry):
            found.append(entry)
    if not count:
        raise NoPictures(f"{root}: nothing to work on")
    return found
