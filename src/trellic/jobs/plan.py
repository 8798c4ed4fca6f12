"""Which files to work on, where to, and how many at a time."""

import glob
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath
from typing import NamedTuple, TypeVar

from trellic.errors import BadRequest, NoPictures
from trellic.files import STANDARD, below_of, files_below, is_scratch, is_special
from trellic.processors import processors
from trellic.remote import name_of, url_of

AnyPath = TypeVar("AnyPath", bound=PurePath)


class Job(NamedTuple):
    """One file to read and one to write."""

    source: Path
    target: Path

    @property
    def name(self) -> str:
        """The source as it was named: a path has lost a slash of a URL."""
        return url_of(self.source) or str(self.source)


def find_files(inputs: list[str], suffixes: Iterable[str]) -> list[tuple[Path, Path]]:
    """Return (file, path below its input folder), in the order of the inputs: files as given, others by suffix, sorted.

    A file that several inputs stand for is found once. An input that stands for nothing, and a folder that cannot be
    listed, stand for themselves: whoever reads them finds out. Raises BadRequest for an input without a name.
    """
    allowed = set(suffixes)

    def wanted(entry: Path) -> bool:
        return entry.suffix.lower() in allowed and not is_scratch(entry)

    def matches_of(text: str) -> list[tuple[Path, Path]]:
        path = Path(text)
        if not text:
            raise BadRequest("an input has no name")
        if path.is_dir():
            return [
                (entry, below_of(entry, path))
                for entry in sorted(files_below(path))
                if os.path.isdir(entry) or wanted(entry)  # noqa: PTH112 — no error where it cannot be seen
            ]
        if url := url_of(text):
            return [(path, Path(name_of(url)))]
        if path.exists() or not glob.has_magic(text):
            return [(path, Path(path.name))]
        inside = map(Path, glob.glob(text, recursive=True))  # noqa: PTH207 — absolute patterns
        return [(entry, Path(entry.name)) for entry in sorted(filter(wanted, inside)) if entry.is_file()]

    found: dict[str, tuple[Path, Path]] = {}
    for text in inputs:
        for match in matches_of(text) or [(Path(text), below_of(Path(text), Path(text)))]:
            found.setdefault(os.path.abspath(match[0]), match)  # noqa: PTH100 — links are files of their own
    return list(found.values())


def find_pictures(inputs: list[str], suffixes: Iterable[str], report: Callable[[str], None]) -> list[tuple[Path, Path]]:
    """Return what `find_files` finds and is there; the rest is reported. Raises BadRequest, or NoPictures of none."""
    found = []
    for path, below in find_files(inputs, suffixes):
        try:
            if not url_of(path):
                check_there(Job(path, path))
                path.stat()
            found.append((path, below))
        except (NoPictures, OSError) as error:
            report(f"{path}: skipped, {getattr(error, 'strerror', None) or error}")
    if not found:
        raise NoPictures("nothing to work on")
    return found


def plan(
    inputs: list[str], out: Path | None, suffixes: Iterable[str], suffix: str, keep_suffix: bool = False
) -> list[Job]:
    """Return what to read and where to write: beside the input, to the file `out`, or below the folder `out`; of a URL,
    here instead of beside it.

    STANDARD stands for standard input, and for standard output, where input comes from there and no output is named.
    keep_suffix  whether a target's name is that of its source with a suffix more
    Raises BadRequest.
    """
    files = find_files(inputs, suffixes)
    single = len(files) == 1 and files[0][0] == Path(inputs[0])
    if STANDARD in {out, *(path for path, _ in files)} and not single:
        raise BadRequest("standard input and output are for one picture")
    if single and (out == STANDARD or (out is None and files[0][0] == STANDARD)):
        if sys.stdout is not None and sys.stdout.isatty():
            raise BadRequest("standard output is a terminal; -o names a file")
        return [Job(files[0][0], STANDARD)]
    if out and not single and out.suffix.lower() == suffix and not out.is_dir():
        raise BadRequest(f"{out} is the name of a file, and there is a folder of pictures to write")
    if out and single and (out.suffix or is_special(out) or files[0][0] == STANDARD) and not out.is_dir():
        return [Job(files[0][0], out)]
    if nameless := next((path for path, below in files if not below.name), None):
        raise BadRequest(f"{url_of(nameless)} names no file")
    beside = [below if url_of(path) else path for path, below in files]
    return [
        Job(path, renamed(out / below if out else near, suffix, keep_suffix))
        for (path, below), near in zip(files, beside, strict=True)
    ]


def renamed(path: AnyPath, suffix: str, keep_suffix: bool) -> AnyPath:
    """Return a path with another suffix, or one more; "a.png.tlic" gets back to "a.png"."""
    bare = path if keep_suffix else path.with_suffix("")
    return bare if bare.suffix.lower() == suffix else bare.with_name(bare.name + suffix)


def check_there(job: Job) -> None:
    """Raise NoPictures where the source is a folder in which nothing was found, OSError where it cannot be listed."""
    if job.source.is_dir():
        os.scandir(job.source).close()
        raise NoPictures("nothing to work on")


def check_not_source(job: Job) -> None:
    """Raise BadRequest where what is read would be replaced."""
    if job.target.exists() and job.source.exists() and job.target.samefile(job.source):
        raise BadRequest(f"{job.target} is what is read")


def clashes(jobs: list[Job]) -> dict[Job, Job]:
    """Return the jobs whose target is that of an earlier one, and which that is."""
    first: dict[Path, Job] = {}
    for job in jobs:
        first.setdefault(job.target.resolve(), job)
    return {job: first[job.target.resolve()] for job in jobs if first[job.target.resolve()] is not job}


def workers_for(jobs: list[Job], most: int = 0) -> int:
    """Return how many files to work on at a time: a thread each, as many as asked for or as there are processors."""
    return max(1, min(len(jobs), most or processors()))


def threads_for(jobs: list[Job], most: int = 0) -> int:
    """Return the threads of a codec that does these jobs: one where several are done at a time, else 0 for all."""
    return 1 if workers_for(jobs, most) > 1 else 0
