"""Which files to work on, where to, and how many at a time."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from trellic.errors import NoPictures


class Job(NamedTuple):
    """One file to read and one to write."""

    source: Path
    target: Path


def find_files(inputs: list[str], suffixes: Iterable[str]) -> list[tuple[Path, Path]]:
    """Return (file, path below its input folder): files as given, folders' and patterns' by suffix, sorted.

    A file that several inputs stand for is found once. Raises NoPictures where an input stands for nothing.
    """
    allowed = set(suffixes)

    def wanted(entry: Path) -> bool:
        return entry.suffix.lower() in allowed and entry.is_file()

    found: dict[Path, Path] = {}
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            matches = [(entry, entry.relative_to(path)) for entry in sorted(filter(wanted, path.rglob("*")))]
        elif path.exists() or not glob.has_magic(text):
            matches = [(path, Path(path.name))]
        else:
            inside = map(Path, glob.glob(text, recursive=True))  # noqa: PTH207 — absolute patterns
            matches = [(entry, Path(entry.name)) for entry in sorted(filter(wanted, inside))]
        if not matches:
            raise NoPictures(f"{text}: nothing to work on")
        found = dict(matches) | found
    return list(found.items())


def plan(inputs: list[str], out: Path | None, suffixes: Iterable[str], suffix: str) -> list[Job]:
    """Return what to read and where to write: beside the input, to the file `out`, or below the folder `out`."""
    files = find_files(inputs, suffixes)
    if out and len(files) == 1 and out.suffix and not out.is_dir() and files[0][0] == Path(inputs[0]):
        return [Job(files[0][0], out)]
    return [Job(path, (out / below).with_suffix(suffix) if out else path.with_suffix(suffix)) for path, below in files]


def workers_for(jobs: list[Job]) -> int:
    """Return how many files to work on at a time: a thread each, as many as there are processors."""
    return min(len(jobs), os.cpu_count() or 1)


def threads_for(jobs: list[Job]) -> int:
    """Return the threads of a codec that does these jobs: one where several are done at a time, else 0 for all."""
    return 1 if workers_for(jobs) > 1 else 0
