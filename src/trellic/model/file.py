"""The .trm file: a zip archive with the card and the networks, named by the SHA-256 of its bytes.

`unzip -p model.trm card.json` shows the card. Entries:

`card.json`         what the model is and how it was made
`gains.npy`         float32 (2, latents): the encoder's log gain at quality 0, and its slope
`side_scales.npy`   float32 (2, hyper): the same for the log scales of z
`tables.npy`        uint32: the frequencies of all rows end to end, each row summing to 2¹⁶, for quantizers with one
                    kind of table; `tables_trellis.npy` for those with two; `tables_NAME.npy` for a quantizer that has
                    its own; `tables_side.npy` for the side information
`points_NAME.npy`   int16 (table rows, 3): a quantizer's reconstruction points
`sensitivity.npy`   float32 (2, latents): natural log of what an error in a channel costs, and its slope over quality
`rest.npz`          what training from this file needs besides: weights that export folded into others
`NETWORK.onnx`      one graph a network, weights in half precision
"""

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.errors import DamagedModel

FORMAT = 1
LARGEST_ENTRY = 1 << 28
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ModelFile:
    """The content of a model file: raw entries by name, and the file's SHA-256."""

    entries: dict[str, bytes]
    sha256: bytes

    @classmethod
    def read(cls, path: Path) -> "ModelFile":
        """Read a model file. Raises DamagedModel."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DamagedModel(f"{path}: not a model file ({error})") from error
        return cls.of(data, str(path))

    @classmethod
    def of(cls, data: bytes, path: str = "model") -> "ModelFile":
        """Return the model that bytes hold; `path` is for messages. Raises DamagedModel."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                infos = archive.infolist()
                if any(info.file_size > LARGEST_ENTRY for info in infos):
                    raise DamagedModel(f"{path}: an entry is larger than {LARGEST_ENTRY} bytes")
                entries = {info.filename: archive.read(info) for info in infos}
            model = cls(entries, hashlib.sha256(data).digest())
            if not isinstance(model.card, dict):
                raise DamagedModel(f"{path}: the card is no object")
            if model.card.get("format") != FORMAT:
                raise DamagedModel(f"{path}: model format {model.card.get('format')}; this release reads {FORMAT}")
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, RuntimeError) as error:
            raise DamagedModel(f"{path}: not a model file ({error})") from error
        return model

    @staticmethod
    def pack(entries: dict[str, bytes]) -> bytes:
        """Return the bytes of a model file; the same entries always give the same bytes."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in sorted(entries):
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), entries[name])  # stored: weights hardly shrink
        return buffer.getvalue()

    def pack_with(self, settings: dict[str, dict[str, Any]], arrays: dict[str, npt.NDArray[Any]]) -> bytes:
        """Return the bytes of this model with more said of some quantizers in the card, and array entries replaced."""
        quantizers = self.card.get("quantizers", {})
        merged = {**quantizers, **{name: {**quantizers.get(name, {}), **new} for name, new in settings.items()}}
        card = json.dumps({**self.card, "quantizers": merged}, indent=1).encode()
        packed = {}
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            packed[name] = buffer.getvalue()
        return self.pack({**self.entries, **packed, "card.json": card})

    def entries_of(self, quantizer: str) -> dict[str, bytes]:
        """Return the entries that calibrating and refitting made for a quantizer, as far as they are there."""
        made = (f"tables_{quantizer}.npy", f"points_{quantizer}.npy", "tables_side.npy", "sensitivity.npy")
        return {name: self.entries[name] for name in made if name in self.entries}

    @cached_property
    def card(self) -> dict[str, Any]:
        """What the model is, and how it was made."""
        card: dict[str, Any] = json.loads(self.entries["card.json"])
        return card

    @property
    def name(self) -> str:
        """The first 16 hexadecimal digits of the hash: how streams and messages name the model."""
        return self.sha256[:8].hex()

    def array(self, entry: str) -> npt.NDArray[Any]:
        """Return an array entry. Raises DamagedModel."""
        try:
            array: npt.NDArray[Any] = np.load(io.BytesIO(self.entries[entry]), allow_pickle=False)
        except (KeyError, ValueError, OSError, EOFError) as error:
            raise DamagedModel(f"model {self.name}: entry {entry} cannot be read") from error
        return array
