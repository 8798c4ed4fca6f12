"""Results files: JSON lines, a head that says how they were made, then what was measured, a line each."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from trellic.errors import BadRequest
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.files import write_bytes
from trellic.provenance import commit, machine, source

Row = TypeVar("Row")


@dataclass
class Head:
    """The head of a results file.

    model   the hash of the model that was measured, "" where there was none
    codecs  how each codec was set
    sources what learned codecs were measured by: the state of this package
    starts  seconds that a codec takes for a tiny picture, memory: its peak in bytes; by codec and by what it did
    """

    command: str = ""
    commit: str = ""
    machine: str = ""
    model: str = ""
    codecs: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    starts: dict[str, dict[str, float]] = field(default_factory=dict)
    memory: dict[str, dict[str, float]] = field(default_factory=dict)

    def prepare(self, codecs: Sequence[ImageCodec], command: str) -> set[str]:
        """Become the head of measuring these codecs here.

        Returns the names of codecs of which nothing holds that is there: they are set otherwise now, or learned, and
        were measured by another state of the package.
        """
        changed = set[str]()
        for codec in codecs:
            by = source() if codec.model else ""
            if (self.codecs.get(codec.name), self.sources.get(codec.name, "")) != (codec.about, by):
                changed.add(codec.name)
                for kept in (self.starts, self.memory):
                    kept.pop(codec.name, None)
            self.codecs[codec.name] = codec.about
            if by:
                self.sources[codec.name] = by
            self.model = codec.model or self.model
        self.command, self.commit, self.machine = command, commit(), machine()
        return changed


def read_lines(path: Path, make: Callable[[dict[str, Any]], Row]) -> tuple[Head, list[Row]]:
    """Return the head and the rows of a file. Raises BadRequest where it holds something else.

    make  makes a row of a line's values, and raises TypeError or KeyError where they are others
    """
    try:
        first, *lines = path.read_text().splitlines()
        return Head(**json.loads(first)), [make(json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadRequest(f"{path} is no file of results; choose another file") from error


def write_lines(path: Path, head: Head, rows: Iterable[Any]) -> None:
    """Write a file, whole or not at all; rows are dataclasses."""
    lines = [asdict(head), *map(asdict, rows)]
    write_bytes(path, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode())
