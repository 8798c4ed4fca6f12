"""Where models are found: those shipped with the package, and those in the folder that TRELLIC_MODELS names."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from trellic.errors import MissingModel
from trellic.model.file import LARGEST_MODEL

SHIPPED = Path(__file__).parent.parent / "models"
DEFAULT = "base"


def installed_models() -> list[Path]:
    """Return the paths of all installed model files; those shipped come first, so that no other takes their name."""
    return installed(".trm")


def installed(suffix: str) -> list[Path]:
    """Return the paths of all files of a suffix that are shipped, then of those in the folder of TRELLIC_MODELS."""
    folders = [Path(os.environ["TRELLIC_MODELS"])] if os.environ.get("TRELLIC_MODELS") else []
    return [path for folder in [SHIPPED, *folders] for path in sorted(folder.glob(f"*{suffix}")) if path.is_file()]


def find_companion(model: str, suffix: str) -> Path | None:
    """Return the file of a suffix that is a model's, named by its hash; None where none is installed."""
    return next((path for path in installed(suffix) if path.stem == model), None)


def find_model(name: str) -> Path:
    """Return the model file of that name, hash prefix (6 digits or more) or path. Raises MissingModel."""
    paths = installed_models()
    for path in paths:
        if path.stem == name:
            return path
    if name.endswith(".trm") and Path(name).is_file():
        return Path(name)
    if name.endswith(".trm"):
        raise MissingModel(f"no such file: {name}")
    if len(name) >= 6:
        for path in paths:
            if _hash(path).hex().startswith(name.lower()):
                return path
    raise MissingModel(f"model {name!r} is not installed (trellic models lists those that are)")


def find_model_by_hash(prefix: bytes) -> Path:
    """Return the model file that a stream names. Raises MissingModel."""
    for path in installed_models():
        if _hash(path).startswith(prefix):
            return path
    raise MissingModel(
        f"needs model {prefix.hex()}, which is not installed (put it in the folder that TRELLIC_MODELS names)"
    )


def facts_of_model(prefix: bytes) -> dict[str, str | None]:
    """Return the hash prefix of the model that a stream names, and its name here; None where it is not installed."""
    try:
        name = find_model_by_hash(prefix).stem
    except MissingModel:
        name = None
    return {"model": prefix.hex(), "model_name": name}


def _hash(path: Path) -> bytes:
    """Return a file's SHA-256, or nothing where it cannot be a model: that must not keep others from being found."""
    try:
        facts = path.stat()
        return _hash_modified(path, facts.st_mtime_ns) if facts.st_size <= LARGEST_MODEL else b""
    except OSError:
        return b""


@lru_cache
def _hash_modified(path: Path, modified: int) -> bytes:
    """Hash a file once for as long as it is not modified."""
    return hashlib.sha256(path.read_bytes()).digest()
