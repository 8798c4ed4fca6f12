"""What a bulk run does to each file: encode, decode or verify, by the same functions as the verbs of those names."""

import hashlib
from collections.abc import Set
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from trellic.codec import Codec, Target
from trellic.codec.options import CodecOptions
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

    def __call__(self, source: Path, target: Path, threads: int) -> Facts:
        """Do it, and return the facts; the target need not last. Raises TrellicError, OSError or MemoryError."""


def identity_of(codec: Codec) -> str:
    """Return the SHA-256 of a codec's model and adapters, whose names may mean others on another machine."""
    return hashlib.sha256(codec.model.sha256 + b"".join(codec.adapter_payloads())).hexdigest()


@lru_cache(2)
def _codec(options: CodecOptions, threads: int, identity: str) -> Codec:
    """Return a worker's codec. Raises MissingModel where its model or adapters are not those of the run."""
    codec = Codec.of(options, threads)
    if identity_of(codec) != identity:
        raise MissingModel(f"model {options.model!r} of this worker, or its adapters, are not those of the run")
    return codec


@dataclass(frozen=True)
class Encode:
    """Pictures to streams.

    options   of the codec, and `identity` its models
    dropped   metadata to strip
    """

    target: Target
    options: CodecOptions
    identity: str
    dropped: frozenset[str] = frozenset()
    suffix = ".tlic"
    large = LARGE_PICTURE

    @classmethod
    def of(cls, target: Target, options: CodecOptions, dropped: Set[str] = frozenset()) -> "Encode":
        """Return the coding with the models that the options mean here. Raises as `Codec` does."""
        return cls(target, options, identity_of(Codec.of(options, 1)), frozenset(dropped))

    @property
    def suffixes(self) -> Set[str]:
        """See `Coding`."""
        return readable_suffixes()

    @property
    def settings(self) -> dict[str, Any]:
        """See `Coding`."""
        options = self.options._asdict() | {"model": "", "adapter": ""}  # names; what they mean is the identity
        del options["device"]  # which is the processor
        return {
            "verb": "encode", **asdict(self.target), **options, "dropped": sorted(self.dropped),
            "identity": self.identity,
        }  # fmt: skip

    def __call__(self, source: Path, target: Path, threads: int) -> Facts:
        """See `Coding`."""
        codec = _codec(self.options, threads, self.identity)
        return encode_file(Job(source, target), codec, self.target, self.dropped, scratch=True)


@dataclass(frozen=True)
class Decode:
    """Streams to pictures of a kind; `device` is that of the networks."""

    suffix: str
    background: str
    limit: int
    device: str = "cpu"
    suffixes = STREAMS
    large = LARGE_STREAM

    @property
    def settings(self) -> dict[str, Any]:
        """See `Coding`."""
        settings = {"verb": "decode", "suffix": self.suffix, "background": self.background, "limit": self.limit}
        return settings if self.device == "cpu" else settings | {"device": self.device}

    def __call__(self, source: Path, target: Path, threads: int) -> Facts:
        """See `Coding`."""
        how = Decoding(self.suffix, self.background, self.limit, threads, self.device, scratch=True)
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

    def __call__(self, source: Path, target: Path, threads: int) -> Facts:
        """See `Coding`."""
        return verify_file(source, self.limit, threads)
