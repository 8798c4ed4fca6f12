"""The .trm file: a zip archive of six entries, named by the SHA-256 of its bytes. Specified in docs/format.md.

`unzip -p model.trm card.json` shows the card. Entries:

`card.json`             what the model is, how it was made, its schedule, and its quantizers' operating points
`tables.arrays`         integers: probability tables, reconstruction offsets
`decoder.graphs.json`   the networks that a decoder runs; `decoder.arrays` their weights
`encoder.graphs.json`   those that only an encoder runs; `encoder.arrays` their weights, and what else training needs
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from trellic.errors import DamagedModel
from trellic.model.archive import pack_entries, read_json, unpack_entries
from trellic.model.arrays import Arrays, pack_arrays, unpack_arrays
from trellic.model.graph import Graph

FORMAT = 2
LARGEST_MODEL = 1 << 28
"""Bytes that a model file may have, and that its entries may have together once unpacked."""
HALVES = ("decoder", "encoder")

Read = TypeVar("Read")


@dataclass(frozen=True)
class ModelFile:
    """The content of a model file, parsed.

    tables          arrays of integers by name
    graphs, arrays  of the decoder and of the encoder; names are unique over both
    """

    card: dict[str, Any]
    tables: Arrays
    graphs: dict[str, dict[str, Graph]]
    arrays: dict[str, Arrays]

    def pack(self) -> bytes:
        """Return the bytes of the file; the same content always gives the same bytes."""
        entries = {"card.json": _json(self.card), "tables.arrays": pack_arrays(self.tables)}
        for half in HALVES:
            graphs = {name: graph.to_json() for name, graph in sorted(self.graphs[half].items())}
            entries[f"{half}.graphs.json"] = json.dumps(graphs, separators=(",", ":")).encode()
            entries[f"{half}.arrays"] = pack_arrays(self.arrays[half])
        return pack_entries(entries)


def read_file(path: Path) -> tuple[ModelFile, bytes]:
    """Return a model file's content, and its SHA-256. Raises DamagedModel."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_MODEL + 1)
    except OSError as error:
        raise DamagedModel(f"{path}: not a model file ({error})") from error
    return parse_file(data, str(path)), hashlib.sha256(data).digest()


def parse_file(data: bytes, path: str = "model") -> ModelFile:
    """Return the content of a model file's bytes; `path` is for messages. Raises DamagedModel."""
    entries = _entries(data, path)

    def read(name: str, parse: Callable[[bytes], Read]) -> Read:
        try:
            return parse(entries[name])
        except Exception as error:  # damaged entries make parsers raise errors of any kind
            raise DamagedModel(f"{path}: entry {name} cannot be read ({error})") from error

    card = read("card.json", read_json)
    if not isinstance(card, dict):
        raise DamagedModel(f"{path}: the card is no object")
    if card.get("format") != FORMAT:
        raise DamagedModel(f"{path}: model format {card.get('format')!r}; this release reads {FORMAT}")
    graphs = {half: read(f"{half}.graphs.json", _graphs) for half in HALVES}
    arrays = {half: read(f"{half}.arrays", unpack_arrays) for half in HALVES}
    return ModelFile(card, read("tables.arrays", unpack_arrays), graphs, arrays)


def _entries(data: bytes, path: str) -> dict[str, bytes]:
    try:
        return unpack_entries(data, LARGEST_MODEL, "model")
    except ValueError as error:
        raise DamagedModel(f"{path}: {error}") from error


def _graphs(data: bytes) -> dict[str, Graph]:
    return {str(name): Graph.from_json(values) for name, values in read_json(data).items()}


def _json(values: Any) -> bytes:
    return json.dumps(values, indent=1).encode()
