"""What --resume takes for done: a file that is whole and, by its size in pixels, of the same picture."""

import sys

from trellic.container import Stream
from trellic.errors import FileExists
from trellic.files import open_bytes
from trellic.jobs.plan import Job
from trellic.picture.pillow import size_of
from trellic.picture.vips import open_source

ROWS = 1024
"""To read at a time."""


def check_stream(job: Job) -> None:
    """Raise a TrellicError unless the target is a stream, its checksums proven, of the size of the source."""
    stream = Stream.parse(job.target.read_bytes(), sys.maxsize)
    stream.prove()
    _check_same((stream.header.width, stream.header.height), size_of(job.source))


def check_picture(job: Job, region: tuple[int, int, int, int] | None = None) -> None:
    """Raise a TrellicError unless the target is a picture, readable to its end, of the size of the source's region."""
    with open_bytes(job.source) as data:
        header = Stream.parse(data, sys.maxsize).header
        wanted = region[2:] if region else (header.width, header.height)
    picture = open_source(job.target, sys.maxsize)
    for top in range(0, picture.height, ROWS):
        picture.rows(top, min(top + ROWS, picture.height))
    _check_same((picture.width, picture.height), wanted)


def _check_same(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    if found != wanted:
        raise FileExists(f"it is {found[0]}×{found[1]}, not {wanted[0]}×{wanted[1]}")
