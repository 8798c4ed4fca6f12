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
import math
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.errors import DamagedModel

FORMAT = 1
LARGEST_MODEL = 1 << 28
"""Bytes that a model file may have, and that its entries may have together once unpacked."""
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
            with path.open("rb") as file:
                data = file.read(LARGEST_MODEL + 1)
        except OSError as error:
            raise DamagedModel(f"{path}: not a model file ({error})") from error
        return cls.of(data, str(path))

    @classmethod
    def of(cls, data: bytes, path: str = "model") -> "ModelFile":
        """Return the model that bytes hold; `path` is for messages. Raises DamagedModel."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                infos = archive.infolist()
                if max(len(data), sum(info.file_size for info in infos)) > LARGEST_MODEL:
                    raise DamagedModel(f"{path}: larger than {LARGEST_MODEL} bytes")
                if any(info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for info in infos):
                    raise DamagedModel(f"{path}: packed in a way that model files are not")
                entries = {info.filename: archive.read(info) for info in infos}
            model = cls(entries, hashlib.sha256(data).digest())
            if not isinstance(model.card, dict):
                raise DamagedModel(f"{path}: the card is no object")
            if model.card.get("format") != FORMAT:
                raise DamagedModel(f"{path}: model format {model.card.get('format')!r}; this release reads {FORMAT}")
        except DamagedModel:
            raise
        except Exception as error:  # damaged archives make zipfile raise errors of any kind
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
        merged = {**quantizers, **{name: {**self.quantizer_card(name), **new} for name, new in settings.items()}}
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

    def quantizer_card(self, quantizer: str) -> dict[str, Any]:
        """Return what the card says of a quantizer, which may be nothing. Raises DamagedModel."""
        quantizers = self.card.get("quantizers", {})
        found: Any = quantizers.get(quantizer, {}) if isinstance(quantizers, dict) else None
        if not isinstance(found, dict):
            raise DamagedModel(f"model {self.name}: what its card says of {quantizer} is no object")
        return found

    @property
    def name(self) -> str:
        """The first 16 hexadecimal digits of the hash: how streams and messages name the model."""
        return self.sha256[:8].hex()

    def array(self, entry: str, dtype: npt.DTypeLike, shape: tuple[int | None, ...]) -> npt.NDArray[Any]:
        """Return an array entry, C-contiguous, of that type and shape; None in it is any length. Raises DamagedModel.

        What the entry's header claims is checked before anything of that size is made.
        """
        data = io.BytesIO(self.entries.get(entry, b""))
        try:
            version = np.lib.format.read_magic(data)
            if version != (1, 0):
                raise ValueError(f"version {version} of the array format")
            found, by_column, kind = np.lib.format.read_array_header_1_0(data)
        except Exception as error:  # a damaged header is parsed as Python, which may fail in any way
            raise DamagedModel(f"model {self.name}: entry {entry} cannot be read") from error
        if kind != np.dtype(dtype) or not matches(found, shape):
            raise DamagedModel(f"model {self.name}: {entry} is {kind} {found}, not {np.dtype(dtype)} {shape}")
        values = data.read()
        if len(values) != math.prod(found) * kind.itemsize:
            raise DamagedModel(f"model {self.name}: {entry} is not as long as it says")
        array = np.frombuffer(values, kind).reshape(found, order="F" if by_column else "C")
        return array.copy(order="C")  # numba compiles anew for arrays that cannot be written to


def matches(found: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    """Return whether a shape is as wanted, where None is any length."""
    return len(found) == len(shape) and all(length in {side, None} for side, length in zip(found, shape, strict=True))
