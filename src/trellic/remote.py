"""Files at URLs, by fsspec: asked for again where storage fails, and read in parts.

Options and credentials are fsspec's own.
"""

import errno
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, TypeVar
from urllib.parse import urlsplit

from trellic.errors import MissingLibrary, StorageFailed, TrellicError

Value = TypeVar("Value")
TRIES = 6
FINAL = (PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError, MemoryError)
"""What another try does not change."""
AHEAD = 1 << 16
"""Bytes at the front of a file that are read at once: the index of thousands of tiles, and metadata."""


def url_of(name: str | PurePath) -> str | None:
    """Return the URL that a name is, None for a path; one that was made a path gets back the slash that it lost."""
    text = name.as_posix() if isinstance(name, PurePath) else name
    scheme, colon, rest = text.partition(":/")
    if not (colon and len(scheme) > 1 and scheme.replace("+", "").replace("-", "").isalnum()):
        return None
    return f"{scheme}://{rest.removeprefix('/')}"


def name_of(url: str) -> str:
    """Return the name of the file at a URL."""
    return PurePath(urlsplit(url).path).name


def system_of(url: str) -> Any:
    """Return fsspec's file system of a URL: s3://, gs://, az://, https://, memory:// … Raises MissingLibrary."""
    try:
        import fsspec
    except ImportError as error:
        raise MissingLibrary(f"{url} needs fsspec: pip install 'trellic[remote]'") from error
    try:
        return fsspec.filesystem(url.partition("://")[0], use_listings_cache=False)
    except (ImportError, ValueError) as error:
        raise MissingLibrary(f"{url}: {error}") from error


def retried(work: Callable[[], Value]) -> tuple[Value, int]:
    """Return what storage gives, and how often it was asked. Raises StorageFailed, or what no other try would change.

    Waits double, with jitter: a store that is overloaded is given time.
    """
    for tried in range(1, TRIES + 1):
        try:
            return work(), tried
        except FileNotFoundError as error:
            if error.errno:
                raise
            reason = str(error.__cause__ or os.strerror(errno.ENOENT))  # fsspec names the file, and gives no reason
            raise FileNotFoundError(errno.ENOENT, reason, str(error)) from error
        except (TrellicError, *FINAL):
            raise
        except (NotImplementedError, TypeError, ValueError) as error:
            raise StorageFailed(f"{type(error).__name__}: {error}") from error
        except Exception as error:  # clients of storage raise kinds of their own
            if tried == TRIES:
                raise StorageFailed(f"{type(error).__name__} after {TRIES} tries: {error}") from error
        time.sleep(0.2 * 2**tried * random.uniform(0.5, 1))
    raise AssertionError


class RemoteBytes:
    """The bytes at a URL, read when they are asked for: `bytes` for whoever takes slices, from any thread.

    The front is read ahead, and kept. Raises MissingLibrary or StorageFailed, also while bytes are taken.
    """

    def __init__(self, url: str) -> None:
        self.url, self._system = url, system_of(url)
        facts, _ = retried(lambda: self._system.info(url))
        if facts.get("size") is None:
            raise StorageFailed(f"{url}: its length is not known there")
        self._length = int(facts["size"])
        self._front: bytes | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(self._length)
        if stop <= start:
            return b""
        with self._lock:
            if self._front is None:
                self._front = self._read(0, min(AHEAD, self._length))
        return self._front[start:stop] if stop <= len(self._front) else self._read(start, stop)

    def _read(self, start: int, stop: int) -> bytes:
        found, _ = retried(lambda: bytes(self._system.cat_file(self.url, start=start, end=stop)))
        if len(found) > stop - start:  # a server that knows no ranges sends all of it
            found = found[start:stop]
        if len(found) < stop - start:
            raise StorageFailed(f"{self.url}: {len(found)} bytes of {stop - start} came")
        return found
