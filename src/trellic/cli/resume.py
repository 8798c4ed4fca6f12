"""What --resume takes for done: a file that is whole and, by its size in pixels, of the same picture."""

import sys

from trellic.cli.batch import Job
from trellic.container import read_stream
from trellic.errors import FileExists
from trellic.image import read, size_of


def check_stream(job: Job) -> None:
    """Raise a TrellicError unless the target is a stream, its checksums proven, of the size of the source."""
    header, _ = read_stream(job.target.read_bytes())
    _check_same((header.width, header.height), size_of(job.source))


def check_picture(job: Job) -> None:
    """Raise a TrellicError unless the target is a picture, readable to its end, of the size of the source."""
    header, _ = read_stream(job.source.read_bytes())
    height, width = read(job.target, sys.maxsize).pixels.shape[:2]
    _check_same((width, height), (header.width, header.height))


def _check_same(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    if found != wanted:
        raise FileExists(f"it is {found[0]}×{found[1]}, not {wanted[0]}×{wanted[1]}")
