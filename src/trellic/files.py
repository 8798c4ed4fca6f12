"""Writing files so that nothing is ever half written, by any number of processes at once.

A process holds a lock on its temporary file, which the system takes back when it dies: what a killed process left can
thus be distinguished from what is being written, and removed. Where there are no such locks (Windows), it stays.
"""

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import IO

from trellic.errors import FileExists, PictureTooLarge
from trellic.remote import RemoteBytes, url_of

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

STANDARD = Path("-")
"""Standard input and output."""
NAME_KEPT = 80
"""Bytes of a target's name that its temporary file has at most: the rest may not fit."""
SCRATCH = ".trellic-"
"""How the names of folders for temporary files begin."""
MOST_READ = 1 << 30
"""Bytes that are taken into memory of what cannot be read in parts: a pipe, or a member of a tar."""
PIECE = 1 << 20
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{12}", re.DOTALL)


def write_atomically(
    path: Path, write: Callable[[IO[bytes]], object], replace: bool = True, scratch: bool = False
) -> None:
    """Let `write` fill a temporary file next to `path`, then rename it: readers see the old or the whole new file.

    path     STANDARD is standard output, which gets all at once, as devices and pipes do; a symbolic link is followed
    replace  whether an existing file is replaced; else FileExists is raised, also where it appeared meanwhile
    scratch  whether nobody else reads it and it need not last: it is written as it is, and at once
    """
    if scratch:
        with path.open("w+b") as file:
            write(file)
        return
    if path == STANDARD or is_special(path):
        with NamedTemporaryFile() as waiting:
            write(waiting)
            waiting.seek(0)
            with contextlib.nullcontext(sys.stdout.buffer) if path == STANDARD else path.open("wb") as target:
                shutil.copyfileobj(waiting, target)
                target.flush()
        return
    path = Path(os.path.realpath(path))
    with temporary_beside(path) as temporary:
        with temporary.open("w+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name with no content
        _give_name(temporary, path, replace)


def write_bytes(path: Path, data: bytes, replace: bool = True, scratch: bool = False) -> None:
    """Write bytes as `write_atomically` does."""
    write_atomically(path, lambda file: file.write(data), replace, scratch)


def move(file: Path, path: Path, replace: bool) -> None:
    """Give a finished file its place as `write_atomically` does, by its name where both lie on one file system.

    Raises FileExists where there is such a file, unless it is replaced.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("r+b") as opened:
            os.fsync(opened.fileno())
        _give_name(file, path, replace)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with file.open("rb") as opened:
            write_atomically(path, lambda target: shutil.copyfileobj(opened, target), replace)
    file.unlink(missing_ok=True)


def is_special(path: Path) -> bool:
    """Return whether a path names what is written into and never replaced: a device, a pipe or a socket."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _give_name(temporary: Path, path: Path, replace: bool) -> None:
    """Give a file its name. Raises FileExists."""
    if not replace:
        _link(temporary, path)
        return
    if path.exists():
        shutil.copymode(path, temporary)
    temporary.replace(path)


def _link(temporary: Path, path: Path) -> None:
    """Give a temporary file its name, unless there is one. Raises FileExists."""
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise FileExists(f"{path} exists (--force overwrites)") from error
    except OSError:  # a file system without links
        check_free(path, force=False)
        temporary.replace(path)


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Give an empty file in the folder of `path`, which is made if it is missing, and remove the file afterwards."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, held = _temporary_beside(path)
    with contextlib.closing(held):
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch_below(folder: Path) -> Iterator[str]:
    """Give an empty folder below another, which is made if it is missing, and remove it afterwards.

    Those that killed processes left there are removed first, where there are locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{SCRATCH}*") if fcntl else ():
        with contextlib.suppress(OSError), _locked(left):
            shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(prefix=SCRATCH, dir=folder, ignore_cleanup_errors=True) as name, _locked(Path(name)):
        yield name


@contextlib.contextmanager
def whole_folder(folder: Path, check: Callable[[Path], None]) -> Iterator[Path]:
    """Give an empty folder to fill, which then takes the place of another: that is whole, or as it was.

    check  raises where the other may not be replaced; it is asked before, and again in the end: others may write there
    """
    folder = Path(os.path.realpath(folder))
    check(folder)
    made = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
    made.mkdir(parents=True)
    try:
        yield made
        check(folder)
        if folder.exists():
            shutil.rmtree(folder)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder, links that lead nowhere and what cannot be seen too; and folders that cannot be
    listed.

    Folders that are links are not followed.
    """
    unlisted: list[OSError] = []
    for above, _, names in os.walk(folder, onerror=unlisted.append):
        for name in names:
            path = Path(above, name)
            if _may_be_file(path):
                yield path
    for error in unlisted:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            yield Path(error.filename)


def below_of(path: Path, folder: Path) -> Path:
    """Return a path below a folder; that folder itself, where it stands for what cannot be listed, has its name."""
    return path.relative_to(folder) if path != folder else Path(folder.resolve().name or "folder")


def _may_be_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def is_scratch(path: Path) -> bool:
    """Return whether a file is in a folder for temporary files."""
    return any(part.startswith(SCRATCH) for part in path.parts)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder. Raises OSError where another process does."""
    if fcntl is None:
        yield
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


class FileBytes:
    """An open file's bytes from where it is, read when they are asked for: `bytes` for whoever takes slices, from any
    thread."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._start = file, file.tell()
        self._length = file.seek(0, os.SEEK_END) - self._start
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(self._length)
        with self._lock:
            self._file.seek(self._start + start)
            return self._file.read(max(0, stop - start))


@contextlib.contextmanager
def open_bytes(name: str | os.PathLike[str]) -> Iterator["FileBytes | RemoteBytes | bytes"]:
    """Give the bytes at a path or URL: read when they are asked for, or at once where that cannot be, as from a pipe.

    Raises MissingLibrary or StorageFailed at a URL, and PictureTooLarge where a pipe gives too much.
    """
    path = Path(name)
    if url := url_of(name if isinstance(name, str) else path):
        yield RemoteBytes(url)
        return
    if path == STANDARD or not path.is_file():
        yield read_pipe(path)
        return
    with path.open("rb") as file:
        yield FileBytes(file)


def read_pipe(path: Path) -> bytes:
    """Return all that standard input, a pipe or a device gives, which can be done once.

    Raises PictureTooLarge where that is more than MOST_READ.
    """
    with contextlib.nullcontext(sys.stdin.buffer) if path == STANDARD else path.open("rb") as pipe:
        return read_bounded(pipe, "standard input" if path == STANDARD else str(path))


def read_bounded(file: IO[bytes], name: str) -> bytes:
    """Return all that a file gives, whose name is for messages. Raises PictureTooLarge beyond MOST_READ."""
    pieces, size = [], 0
    while piece := file.read(PIECE):  # a buffer for all that may come would be one of MOST_READ bytes
        pieces.append(piece)
        size += len(piece)
        if size > MOST_READ:
            raise PictureTooLarge(f"{name}: more than {MOST_READ} bytes, which only a file may have")
    return b"".join(pieces)


def check_free(path: Path, force: bool) -> None:
    """Raise FileExists where a file would be overwritten and `force` does not allow it."""
    if path != STANDARD and path.exists() and not force and not is_special(path):
        raise FileExists(f"{path} exists (--force overwrites)")


def remove_strays(targets: Iterable[Path]) -> None:
    """Remove the temporary files that killed processes left for these targets; those in use stay."""
    if fcntl is None:
        return
    by_folder: dict[Path, set[str]] = {}
    for target in targets:
        by_folder.setdefault(target.parent, set()).add(_kept(target.name))
    for folder, names in by_folder.items():
        for entry in folder.glob(".*"):
            match = _TEMPORARY.fullmatch(entry.name)
            if match and match[1] in names:
                with contextlib.suppress(OSError), entry.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its process lives
                    entry.unlink()


def _kept(name: str) -> str:
    return os.fsencode(name)[:NAME_KEPT].decode("utf-8", "ignore")


def _temporary_beside(path: Path) -> tuple[Path, IO[bytes]]:
    """Return an empty file next to `path`, and the lock that is held until it is closed."""
    while True:
        temporary = path.with_name(f".{_kept(path.name)}.{secrets.token_hex(6)}")
        held = temporary.open("xb")
        if fcntl is None:
            held.close()  # Windows renames no open file
            return temporary, held
        with contextlib.suppress(OSError):  # not every network file system locks
            fcntl.flock(held, fcntl.LOCK_EX)
        if temporary.exists():  # else another process took it for a stray before it was locked
            return temporary, held
        held.close()
