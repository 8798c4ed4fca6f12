"""Where results are kept: experiments/NAME/results/VERSION.jsonl, a version being the hash of the measured model.

Every file says in its head which model it is of; a page about the shipped model takes none of another.
"""

import json
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from trellic.cli.options import DEFAULT, DEFAULT_EFFORT
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.codecs.trellic import trellic
from trellic.evaluate.measure import Harness, Results, processes
from trellic.evaluate.sets import members
from trellic.files import write_bytes
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import readable
from trellic.provenance import commit, machine
from trellic.quantize import quantizer_for

ROOT = Path(__file__).parent
PUBLISHED = ROOT / "published.json"
SETS = {"kodak": "test/kodak", "gb82": "test/gb82", "cid22": "valid/cid22"}
"""Folders of pictures below the data folder, by the name of their set. Calibration uses every fourth of cid22."""
TEST = ("kodak", "gb82")
DEPLOYED = quantizer_for(DEFAULT_EFFORT).name
"""The quantizer that is used where none is named."""
NO_MODEL = "no-model"
"""The version of what no model takes part in."""

Line = dict[str, Any]


class NotMeasured(Exception):
    """There are no results of this version."""


def ours(quantizer: str = "", threads: int = 0, model: str = DEFAULT) -> ImageCodec:
    """Return trellic with the shipped model, or another, and the quantizer that it has by itself, or another."""
    return trellic(model, effort=DEFAULT_EFFORT, quantizer=quantizer, threads=threads)


@cache
def shipped() -> str:
    """Return the hash of the shipped model."""
    return ours(threads=1).model


def path_of(name: str, version: str = "") -> Path:
    """Return the file of an experiment, of the shipped model where no version is named."""
    return ROOT / name / "results" / f"{version or shipped()}.jsonl"


def command_of(name: str) -> str:
    """Return the command that measures an experiment."""
    return f"python -m experiments run {name}"


def lines_of(name: str, version: str = "") -> tuple[Line, list[Line]]:
    """Return the head and the lines of a file. Raises NotMeasured where it is missing, ValueError where it lies."""
    path = path_of(name, version)
    if not path.exists():
        raise NotMeasured(f"{name} is not measured for model {version or shipped()}: {command_of(name)}")
    head, *lines = map(json.loads, path.read_text().splitlines())
    if head["model"] != (version or shipped()):
        raise ValueError(f"{path} is of model {head['model']}")
    return head, lines


def by_set(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """Return the lines of each set of pictures, in their order."""
    return [(name, list(group)) for name, group in groupby(lines, key=lambda line: line["set"])]


def results_of(name: str) -> Results:
    """Return the records of an experiment with the shipped model. Raises as `lines_of` does."""
    lines_of(name)
    return Results.read(path_of(name))


def keep(name: str, lines: Sequence[Line], version: str = "") -> None:
    """Write what was measured, where it is not records of pictures; of the shipped model where no version is named."""
    head = {"command": command_of(name), "commit": commit(), "machine": machine(), "model": version or shipped()}
    text = "".join(json.dumps(line) + "\n" for line in [head, *lines])
    write_bytes(path_of(name, version), text.encode())


def measure(
    name: str, codecs: Sequence[ImageCodec], folders: Sequence[Path], measures: Sequence[str], version: str = ""
) -> Results:
    """Measure what is missing of all pictures of the folders, keep it, and return it."""
    path = path_of(name, version)
    results = Results.read(path) if path.exists() else Results(path)
    results.prepare(codecs, command_of(name))
    pictures = {
        member.path: member for member in members(find_files([str(folder) for folder in folders], readable_suffixes()))
    }
    with processes(beside=0) as pool:
        harness = Harness(codecs, results, measures, pool, complain)
        for path, picture in readable(pictures, complain):
            if not harness.measure(pictures[path].group, pictures[path].name, picture.pixels):
                raise SystemExit(f"{name}: {path} failed")
            complain(f"{name}: {pictures[path].group} {pictures[path].name}")
    return results
