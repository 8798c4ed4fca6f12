"""The folder that is served: its pictures and .tlic files, and nothing else of the machine."""

import os
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from trellic.errors import NoPictures
from trellic.serve.accept import TLIC
from trellic.serve.answers import Refused

TYPES = {
    ".tlic": TLIC, ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp",
    ".avif": "image/avif", ".gif": "image/gif", ".bmp": "image/bmp",
}  # fmt: skip
"""Media types of files that are served, by suffix: those that browsers show, and ours."""
MOST_LISTED = 1000
"""Files that are listed."""
MOST_VISITED = 100_000
"""Entries of the folder, and of those below it, that are looked at for the list."""


class Folder:
    """A folder's pictures. Hidden files and links that lead out of it do not exist here. Raises NoPictures."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise NoPictures(f"{root} is no folder")
        self.root = root.resolve()

    def files(self) -> list[dict[str, Any]]:
        """Return name, size in bytes and media type of the files, sorted in each folder, the upper ones first."""
        found: list[dict[str, Any]] = []
        for path in self._named():
            real = self._inside(path)
            if real is None:
                continue
            try:
                size = real.stat().st_size
            except OSError:  # it was there a moment ago
                continue
            name = path.relative_to(self.root).as_posix()
            found.append({"name": name, "bytes": size, "type": TYPES[real.suffix.lower()]})
            if len(found) == MOST_LISTED:
                break
        return found

    def _named(self) -> Iterator[Path]:
        """Yield what is named as a picture, in the order of the list, as far as MOST_VISITED entries go."""
        left = MOST_VISITED
        for folder, below, names in os.walk(self.root):
            below[:] = sorted(name for name in below if not name.startswith("."))
            for name in sorted(names)[:left]:
                if Path(name).suffix.lower() in TYPES:
                    yield Path(folder, name)
            left -= len(names) + len(below)
            if left <= 0:
                return

    def find(self, name: str) -> Path:
        """Return the file of a name below the folder, parts joined by "/". Raises Refused, status 404."""
        parts = name.split("/")
        plain = all(part and "\\" not in part and "\0" not in part for part in parts)
        path = self._inside(self.root.joinpath(*parts)) if plain else None
        if path is None:
            raise Refused(HTTPStatus.NOT_FOUND, "there is no such picture")
        return path

    def _inside(self, path: Path) -> Path | None:
        """Return where a picture really is, or None where it is none, is hidden, or lies elsewhere."""
        try:
            below = path.relative_to(self.root)
            real = path.resolve()
            seen = [*below.parts, *real.relative_to(self.root).parts]
            if path.suffix.lower() not in TYPES or real.suffix.lower() not in TYPES or not real.is_file():
                return None
        except (OSError, ValueError, RuntimeError):  # too long a name; not below; links in a circle
            return None
        return None if any(part.startswith(".") for part in seen) else real
