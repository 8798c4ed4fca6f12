"""Work on many files: which ones, where to, with progress, going on past bad ones."""

import glob
import json
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from trellic.errors import FileExists, NoPictures, TrellicError
from trellic.files import check_free


class Job(NamedTuple):
    """One file to read and one to write."""

    source: Path
    target: Path


def find_files(inputs: list[str], suffixes: Iterable[str]) -> list[tuple[Path, Path]]:
    """Return (file, path below its input folder): files as given, folders' and patterns' by suffix, sorted.

    Raises NoPictures where an input stands for nothing.
    """
    allowed = set(suffixes)
    found: list[tuple[Path, Path]] = []
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            inside = sorted(entry for entry in path.rglob("*") if entry.is_file() and entry.suffix.lower() in allowed)
            matches = [(entry, entry.relative_to(path)) for entry in inside]
        elif path.exists() or not glob.has_magic(text):
            matches = [(path, Path(path.name))]
        else:
            inside = sorted(Path(match) for match in glob.glob(text, recursive=True))  # noqa: PTH207 — absolute patterns
            matches = [(entry, Path(entry.name)) for entry in inside if entry.is_file()]
        if not matches:
            raise NoPictures(f"{text}: nothing to work on")
        found += matches
    return found


def plan(inputs: list[str], out: Path | None, suffixes: Iterable[str], suffix: str) -> list[Job]:
    """Return what to read and where to write: beside the input, to the file `out`, or below the folder `out`."""
    files = find_files(inputs, suffixes)
    if out and len(files) == 1 and out.suffix and not out.is_dir() and not Path(inputs[0]).is_dir():
        return [Job(files[0][0], out)]
    return [Job(path, (out / below).with_suffix(suffix) if out else path.with_suffix(suffix)) for path, below in files]


def run(jobs: list[Job], work: Callable[[Job], dict[str, Any]], force: bool, as_json: bool) -> int:
    """Do every job; print a line or a JSON record each; return the exit code, 1 where any failed.

    `work` returns the facts of one job, with a `line` for people.
    """
    from rich.progress import track

    records: list[dict[str, Any]] = []
    written: set[Path] = set()
    failures = 0
    hidden = as_json or len(jobs) == 1 or not sys.stderr.isatty()
    for job in track(jobs, "", disable=hidden, console=console()):
        record: dict[str, Any] = {"source": str(job.source), "target": str(job.target)}
        line = ""
        try:
            if job.target in written:
                raise FileExists(f"{job.target} was just written from another input")
            check_free(job.target, force)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                record |= work(job)
            line = record.pop("line")
            written.add(job.target)
            record["warnings"] = [str(warning.message) for warning in caught]
            for text in record["warnings"]:
                print(f"{job.source}: {text}", file=sys.stderr)
        except (TrellicError, OSError) as error:
            failures += 1
            record["error"] = describe(error, job)
            print(f"{job.source}: {record['error']}", file=sys.stderr)
        if line and not as_json:
            print(line)
        records.append(record)
    if as_json:
        print(json.dumps(records, indent=1))
    if len(jobs) > 1 and failures:
        print(f"{failures} of {len(jobs)} failed", file=sys.stderr)
    return 1 if failures else 0


def describe(error: TrellicError | OSError, job: Job) -> str:
    """Return an error in a line: ours say it all, the system's lack the file."""
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename or job.target}"
    return str(error)


def console() -> Any:
    """Return a rich console on stderr, where progress belongs."""
    from rich.console import Console

    return Console(stderr=True)
