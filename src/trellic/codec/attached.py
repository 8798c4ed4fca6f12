"""A model with an adapter attached, or without one, ready to be run; and how a stream names the adapter it needs."""

from typing import Any, Protocol

from trellic.codec.resources import Resources
from trellic.codec.tiles import Workers
from trellic.container import Entry, Section, SectionType
from trellic.container.header import HASH_BYTES
from trellic.errors import DamagedStream
from trellic.model import Sessions
from trellic.model.adapter import LARGEST_PART, Adapter
from trellic.model.adapter_store import find_adapter_by_hash, known_adapters

MOST_ATTACHED = 4
"""How many adapters stay attached to a model, each of which takes the model's memory."""


class AttachedModel:
    """A model's networks, for one unit by all threads, or for several by a thread each."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions, self._one_threaded = sessions, Sessions(sessions.model, 1, sessions.devices)

    def resources(self, tiles: int) -> Resources:
        """Return the sessions and threads for a number of tiles."""
        workers = Workers(self.sessions.threads, tiles)
        return Resources(self._one_threaded if workers.count > 1 else self.sessions, workers)


def section_of(adapter: Adapter | None, embedded: bool) -> Section | None:
    """Return the section that names an adapter, or holds it; None where no decoder needs it."""
    if adapter is None or not adapter.decoder:
        return None
    return Section(SectionType.ADAPTER, adapter.sha256[:HASH_BYTES] + adapter.decoder * embedded)


class NamesAdapter(Protocol):
    """A stream that may name an adapter, or hold it: of a picture, or of a video."""

    @property
    def adapter(self) -> Entry | None: ...  # noqa: D102
    def read(self, entry: Entry) -> bytes: ...  # noqa: D102


def adapter_of(stream: NamesAdapter, base: bytes) -> Adapter | None:
    """Return the adapter that a stream needs, given its model's SHA-256: the one that it holds, else an installed one.

    Raises DamagedStream, IncompleteStream or MissingAdapter.
    """
    if stream.adapter is None:
        return None
    name, part = _read(stream, stream.adapter)
    if not part:
        return find_adapter_by_hash(name, base)
    held = Adapter(base, part)
    if not held.sha256.startswith(name):
        raise DamagedStream(f"adapter {name.hex()} is not the one that the stream holds")
    return held


def adapter_facts(stream: NamesAdapter) -> dict[str, Any] | None:
    """Return the hash prefix of the adapter that a stream needs, its name where one is installed, and whether the
    stream holds it; None where it needs none."""
    if stream.adapter is None:
        return None
    prefix, part = _read(stream, stream.adapter)
    names = [path.stem for path, one in known_adapters().items() if one.sha256.startswith(prefix)]
    return {"hash": prefix.hex(), "name": names[0] if names else None, "embedded": bool(part)}


def _read(stream: NamesAdapter, entry: Entry) -> tuple[bytes, bytes]:
    """Return an adapter's name, and what of it the stream holds. Raises DamagedStream or IncompleteStream."""
    if not HASH_BYTES <= entry.length <= HASH_BYTES + LARGEST_PART:
        raise DamagedStream(f"an adapter of {entry.length} bytes")
    payload = stream.read(entry)
    return payload[:HASH_BYTES], payload[HASH_BYTES:]
