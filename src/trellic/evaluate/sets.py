"""Sets of pictures: each folder that was given is one, and every figure is of a set."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Member(NamedTuple):
    """A picture's file, the name of its set, and its own name within the set."""

    path: Path
    group: str
    name: str


def members(files: Sequence[tuple[Path, Path]]) -> list[Member]:
    """Return (file, path below the folder that was given) as members of sets.

    A set has its folder's name, or all of its path where two folders have one name.
    """
    folders = [path.resolve().parents[len(below.parts) - 1] for path, below in files]
    distinct = set(folders)
    named = {folder: [other.name for other in distinct].count(folder.name) == 1 for folder in distinct}
    return [
        Member(path, folder.name if named[folder] else str(folder), str(below))
        for (path, below), folder in zip(files, folders, strict=True)
    ]
