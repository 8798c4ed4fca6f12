"""Tars as webdataset reads them: what belongs to a sample has its name up to the first dot.

Nothing is ever extracted to a path that a tar names. What is written depends on the members alone: no times, no users.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType

from trellic.errors import UnreadablePicture
from trellic.files import MOST_READ


class TarReader:
    """The files in a tar, name and bytes each. Raises UnreadablePicture where it is none, or holds one too large."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield them in order."""
        try:
            with tarfile.open(self.path, "r|*") as tar:
                for member in tar:
                    if member.size > MOST_READ:  # a compressed tar may be small
                        raise UnreadablePicture(f"{member.name} in it has {member.size} bytes, more than {MOST_READ}")
                    if member.isfile() and (file := tar.extractfile(member)):
                        yield member.name, file.read()
        except (tarfile.TarError, EOFError) as error:
            raise UnreadablePicture(f"cannot be read as a tar: {error}") from error


class TarWriter:
    """A tar that is being written; `count` of its members."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def __enter__(self) -> "TarWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._tar.close()

    def add(self, name: str, data: bytes) -> None:
        """Add a file."""
        member = tarfile.TarInfo(name)
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))
        self.count += 1

    def move_in(self, name: str, path: Path) -> str:
        """Add a file that is not kept elsewhere, and return the SHA-256 of its bytes."""
        data = path.read_bytes()
        self.add(name, data)
        path.unlink()
        return hashlib.sha256(data).hexdigest()


def member_name(below: str, suffix: str) -> str:
    """Return the name in a tar for what a file becomes: with one dot in its last part, and never that of another."""
    path = PurePosixPath(below)
    return str(path.with_name(path.name.replace(".", "_") + suffix))
