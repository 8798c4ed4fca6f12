"""Tars as webdataset reads them: what belongs to a sample has its name up to the first dot.

Nothing is ever extracted to a path that a tar names. What is written depends on the members alone: no times, no users.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Literal

from trellic.errors import UnreadablePicture
from trellic.files import MOST_READ

NAMES = {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
COMPRESSED = b"\x1f\x8b", b"BZh", b"\xfd7zXZ"
LONGEST = 5
"""How files of gzip, bzip2 and xz begin, and the most bytes of that."""
MOST_NAMED = 1 << 20
"""Bytes of a member's name, or of its attributes."""


class _Member(tarfile.TarInfo):
    """A member whose names and attributes, which are read whole, are bounded; and what cannot be one is an error.

    tarfile takes a damaged header for the end, and the end of the file, too.
    """

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "_Member":
        """Return the next member. Raises ReadError where there is neither one nor the mark at the end."""
        try:
            return super().fromtarfile(tar)  # type: ignore[return-value]
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"{error} of a member") from error
        except tarfile.EmptyHeaderError as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError("it ends without its mark, as if it were cut off") from error

    def _proc_member(self, tar: tarfile.TarFile) -> "_Member":
        """Do what tarfile does with a header that was read."""
        if self.type in NAMES and self.size > MOST_NAMED:
            raise tarfile.ReadError(f"a name or attributes of {self.size} bytes")
        return super()._proc_member(tar)  # type: ignore[misc,no-any-return]


class TarReader:
    """The files in a tar, name and bytes each; a hard link is the file that it names, which comes before it.

    Raises UnreadablePicture where it is no tar, or damaged, or holds a file too large; or a hard link, where it is
    compressed: there is no going back.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield them in order."""
        try:
            with self.path.open("rb") as file:
                mode: Literal["r|*", "r:"] = "r|*" if file.read(LONGEST).startswith(COMPRESSED) else "r:"
            with tarfile.open(self.path, mode, tarinfo=_Member) as tar:
                files: dict[str, tarfile.TarInfo] = {}
                for member in tar:
                    found = files.get(member.linkname) if member.islnk() and mode == "r:" else member
                    if member.size > MOST_READ:  # a compressed tar may be small
                        raise UnreadablePicture(f"{member.name} in it has {member.size} bytes, more than {MOST_READ}")
                    if member.islnk() and (found is None or found is member):
                        raise UnreadablePicture(f"{member.name} in it is a link that cannot be followed")
                    if found and found.isfile() and (content := tar.extractfile(found)):
                        files[member.name] = found
                        yield member.name, content.read()
        except (tarfile.TarError, EOFError, ValueError) as error:  # the last one for numbers that are none
            raise UnreadablePicture(f"cannot be read as a tar: {error}") from error


class TarWriter:
    """A tar that is being written, and the `names` of its members so far."""

    def __init__(self, path: Path) -> None:
        self.path, self.names = path, set[str]()
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
        self.names.add(name)

    def move_in(self, name: str, path: Path) -> str:
        """Add a file that is not kept elsewhere, and return the SHA-256 of its bytes."""
        data = path.read_bytes()
        self.add(name, data)
        path.unlink()
        return hashlib.sha256(data).hexdigest()


def member_names(below: Sequence[str], suffix: str) -> list[str]:
    """Return the names in a tar for what files become: with one dot in their last part, and no two alike."""
    seen = dict[str, None]()
    for path in map(PurePosixPath, below):
        name = path.name.replace(".", "_")
        while (found := str(path.with_name(name + suffix))) in seen:
            name += "_"
        seen[found] = None
    return list(seen)
