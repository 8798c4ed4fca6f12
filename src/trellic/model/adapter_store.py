"""Where adapters are found: .tra files beside the models, in the package and in the folder of TRELLIC_MODELS."""

from functools import lru_cache
from pathlib import Path

from trellic.errors import DamagedAdapter, MissingAdapter
from trellic.model.adapter import Adapter
from trellic.model.store import SHIPPED, installed

SUFFIX = ".tra"
RESIDUAL, COARSE = SHIPPED / "video" / "residual.tra", SHIPPED / "layers" / "coarse.tra"
"""Shipped adapters that are used by themselves: of residual pictures of videos, and of coarse planes of layers."""


def installed_adapters() -> dict[Path, Adapter]:
    """Return the adapters that are installed by their paths; files that cannot be read are skipped."""
    found = {path: _readable(path) for path in installed(SUFFIX)}
    return {path: adapter for path, adapter in found.items() if adapter}


def find_adapter(name: str) -> Adapter:
    """Return the adapter of that name, hash prefix (6 digits or more) or path.

    Raises MissingAdapter or DamagedAdapter.
    """
    for path in installed(SUFFIX):
        if path.stem == name:
            return Adapter.read(path)
    if name.endswith(SUFFIX) and Path(name).is_file():
        return Adapter.read(Path(name))
    if len(name) >= 6:
        for adapter in installed_adapters().values():
            if adapter.sha256.hex().startswith(name.lower()):
                return adapter
    if Path(name).is_file():
        raise MissingAdapter(f"{name} is no {SUFFIX} file")
    raise MissingAdapter(f"adapter {name!r} is not installed (trellic models lists those that are)")


def shipped_adapter(path: Path, base: bytes) -> Adapter | None:
    """Return a shipped adapter, RESIDUAL or COARSE; None where it is missing, or of another base model."""
    adapter = _readable(path)
    return adapter if adapter and adapter.base == base else None


def known_adapters() -> dict[Path, Adapter]:
    """Return all adapters that streams may name by their paths: those that are installed, and RESIDUAL and COARSE."""
    found = {path: _readable(path) for path in (RESIDUAL, COARSE)}
    return {**installed_adapters(), **{path: adapter for path, adapter in found.items() if adapter}}


def find_adapter_by_hash(prefix: bytes, base: bytes) -> Adapter:
    """Return the adapter of a base model, by its SHA-256, that a stream names. Raises MissingAdapter."""
    for adapter in known_adapters().values():
        if adapter.base == base and adapter.sha256.startswith(prefix):
            return adapter
    raise MissingAdapter(
        f"needs adapter {prefix.hex()}, which is not installed (put its .tra file into the folder that TRELLIC_MODELS "
        "names)"
    )


def _readable(path: Path) -> Adapter | None:
    """Return a file's adapter, or None where it cannot be read: that must not keep others from being found."""
    try:
        return _read_modified(path, path.stat().st_mtime_ns)
    except (OSError, DamagedAdapter):
        return None


@lru_cache
def _read_modified(path: Path, modified: int) -> Adapter:
    """Read a file once for as long as it is not modified."""
    return Adapter.read(path)
