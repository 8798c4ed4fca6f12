"""An adapter: small changes of one base model for pictures of one kind, as a .tra file. Specified in docs/format.md.

A decoder needs the *decoder part* alone; the adapter's name is that part's hash, so an encoder may have changes of its
own analysis beside it that no stream depends on.
Source: Few-Shot Domain Adaptation for Learned Image Compression (AAAI 2025).
"""

import hashlib
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from trellic.container.bytes import CHECKSUM_BYTES, Reader, varint
from trellic.errors import BadRequest, DamagedAdapter, DamagedStream
from trellic.model.change import Change, pack_changes, unpack_changes
from trellic.model.file import HALVES
from trellic.model.merge import merge
from trellic.model.model import Model

MAGIC, VERSION = b"\x93TRA", 1
LARGEST_PART = 1 << 20
"""Bytes of a part: no more is read of a file, or from a stream."""
HASH = 32


@dataclass(frozen=True)
class Adapter:
    """Changes of a model.

    base              SHA-256 of the model's file
    decoder, encoder  packed changes of the arrays of each half; empty where there are none
    """

    base: bytes
    decoder: bytes
    encoder: bytes = b""

    @classmethod
    def of(cls, model: Model, changes: dict[str, list[Change]]) -> "Adapter":
        """Return the adapter of changes by half. Raises ValueError for what cannot be packed."""
        arrays = model.file.arrays
        packed = {half: pack_changes(changes[half], arrays[half], model.gaussian_tables) for half in HALVES}
        return cls(model.sha256, packed["decoder"], packed["encoder"])

    @classmethod
    def read(cls, path: Path) -> "Adapter":
        """Read a .tra file. Raises DamagedAdapter."""
        try:
            with path.open("rb") as file:
                return cls.parse(file.read(2 * LARGEST_PART + 64))
        except (OSError, DamagedAdapter) as error:
            raise DamagedAdapter(f"{path}: {error}") from error

    @classmethod
    def parse(cls, data: bytes) -> "Adapter":
        """Return the adapter that bytes hold. Raises DamagedAdapter."""
        if data[: len(MAGIC)] != MAGIC:
            raise DamagedAdapter("not a .tra file")
        reader = Reader(data)
        try:
            reader.take(len(MAGIC))
            if (version := reader.integer(1)) != VERSION:
                raise DamagedAdapter(f"a version of .tra file, {version}, that this release does not know")
            base, parts = reader.take(HASH), [_read_part(reader)]
            parts += [_read_part(reader)] if not reader.done else []
        except DamagedStream as error:
            raise DamagedAdapter(str(error)) from error
        if not reader.done:
            raise DamagedAdapter(f"{reader.size - reader.at} bytes after the end")
        return cls(base, *parts)

    def pack(self) -> bytes:
        """Return the bytes of the .tra file."""
        parts = [self.decoder, self.encoder] if self.encoder else [self.decoder]
        head = MAGIC + bytes([VERSION]) + self.base
        return head + b"".join(varint(len(one)) + _checksum(one) + one for one in parts)

    @cached_property
    def sha256(self) -> bytes:
        """SHA-256 of the decoder part."""
        return hashlib.sha256(self.decoder).digest()

    @property
    def name(self) -> str:
        """The first 16 hexadecimal digits of the hash: how messages name the adapter."""
        return self.sha256[:8].hex()

    def check_base(self, model: Model) -> None:
        """Raise BadRequest where the adapter is of another model."""
        if self.base != model.sha256:
            raise BadRequest(f"adapter {self.name} is of model {self.base[:8].hex()}, not of {model.name}")

    def changes(self, model: Model) -> dict[str, list[Change]]:
        """Return the changes of each half. Raises BadRequest where it is of another model, or DamagedAdapter."""
        self.check_base(model)
        packed = {"decoder": self.decoder, "encoder": self.encoder}
        try:
            return {
                half: unpack_changes(packed[half], model.file.arrays[half], model.gaussian_tables) for half in HALVES
            }
        except DamagedAdapter as error:
            raise DamagedAdapter(f"adapter {self.name}: {error}") from error

    def attach_to(self, model: Model, amount: float = 1.0) -> Model:
        """Return the model with so much of the changes merged, under its own name. Raises as `changes` does.

        Changes of exact layers are merged whole. Its card has no exactness probe, which was that of the weights before.
        """
        changes = self.changes(model)
        try:
            arrays = {half: merge(model, half, changes[half], amount) for half in HALVES}
        except DamagedAdapter as error:
            raise DamagedAdapter(f"adapter {self.name}: {error}") from error
        card = {key: value for key, value in model.card.items() if key != "probe"}
        return Model(replace(model.file, card=card, arrays=arrays), model.sha256)


def _read_part(reader: Reader) -> bytes:
    length, checksum = reader.varint(), reader.take(CHECKSUM_BYTES)
    if length > LARGEST_PART:
        raise DamagedAdapter(f"a part of {length} bytes, more than {LARGEST_PART}")
    part = reader.take(length)
    if _checksum(part) != checksum:
        raise DamagedAdapter("the checksum of a part is wrong")
    return part


def _checksum(part: bytes) -> bytes:
    return zlib.crc32(part).to_bytes(CHECKSUM_BYTES, "little")
