"""What a bulk run does to each file: encode, decode or verify, by the same functions as the verbs of those names."""

from collections.abc import Set
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from trellic.codec import Codec, Target
from trellic.errors import MissingModel
from trellic.jobs.plan import Job
from trellic.jobs.work import Decoding, Facts, decode_file, encode_file, verify_file
from trellic.picture.kinds import readable_suffixes

STREAMS = frozenset({".tlic"})
LARGE_PICTURE, LARGE_STREAM = 1 << 22, 1 << 19
"""Bytes of a file from which on it gets more than one core."""


class Coding(Protocol):
    """What is done to a file."""

    @property
    def suffixes(self) -> Set[str]:
        """Of the files that it is done to."""

    @property
    def suffix(self) -> str:
        """Of what it writes; "" where it writes nothing."""

    @property
    def large(self) -> int:
        """Bytes of a file from which on it is worth several threads."""

    @property
    def settings(self) -> dict[str, Any]:
        """All that its result depends on, beside the file."""

    def __call__(self, source: Path, target: Path, threads: int, force: bool) -> Facts:
        """Do it, and return the facts; `force` replaces a target that exists.

        Raises TrellicError, OSError or MemoryError.
        """


@lru_cache(2)
def _codec(model: str, sha256: str, threads: int, quantizer: str, effort: int, limit: int, tile: int) -> Codec:
    """Return a worker's codec. Raises MissingModel where its model is not that of the run."""
    codec = Codec(model, threads, quantizer, effort, limit, tile)
    if codec.model.sha256.hex() != sha256:
        raise MissingModel(f"model {model!r} of this worker is {codec.model.name}, not {sha256[:16]}")
    return codec


@dataclass(frozen=True)
class Encode:
    """Pictures to streams; the arguments are those of `Codec`, and `sha256` is of the model."""

    target: Target
    model: str
    sha256: str
    quantizer: str
    effort: int
    limit: int
    tile: int
    dropped: frozenset[str] = frozenset()
    suffix = ".tlic"
    large = LARGE_PICTURE

    @property
    def suffixes(self) -> Set[str]:
        """See `Coding`."""
        return readable_suffixes()

    @property
    def settings(self) -> dict[str, Any]:
        """See `Coding`."""
        quantizer = {"quantizer": self.quantizer} if self.quantizer else {"effort": self.effort}
        return {
            "verb": "encode", **asdict(self.target), **quantizer, "tile": self.tile, "dropped": sorted(self.dropped),
            "limit": self.limit, "model": self.sha256,
        }  # fmt: skip

    def __call__(self, source: Path, target: Path, threads: int, force: bool) -> Facts:
        """See `Coding`."""
        codec = _codec(self.model, self.sha256, threads, self.quantizer, self.effort, self.limit, self.tile)
        return encode_file(Job(source, target), codec, self.target, self.dropped, force)


@dataclass(frozen=True)
class Decode:
    """Streams to pictures of a kind."""

    suffix: str
    background: str
    limit: int
    suffixes = STREAMS
    large = LARGE_STREAM

    @property
    def settings(self) -> dict[str, Any]:
        """See `Coding`."""
        return {"verb": "decode", "suffix": self.suffix, "background": self.background, "limit": self.limit}

    def __call__(self, source: Path, target: Path, threads: int, force: bool) -> Facts:
        """See `Coding`."""
        how = Decoding(self.suffix, self.background, self.limit, threads, force=force)
        return decode_file(Job(source, target), how)


@dataclass(frozen=True)
class Verify:
    """Streams, proven to the last index."""

    limit: int
    suffix = ""
    suffixes = STREAMS
    large = LARGE_STREAM

    @property
    def settings(self) -> dict[str, Any]:
        """See `Coding`."""
        return {"verb": "verify", "limit": self.limit}

    def __call__(self, source: Path, target: Path, threads: int, force: bool) -> Facts:
        """See `Coding`."""
        return verify_file(source, self.limit, threads)
