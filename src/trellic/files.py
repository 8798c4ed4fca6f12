"""Writing files so that nothing is ever half written."""

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

from trellic.errors import FileExists


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: readers see the old or the whole new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name with no content
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_free(path: Path, force: bool) -> None:
    """Raise FileExists where a file would be overwritten and `force` does not allow it."""
    if path.exists() and not force:
        raise FileExists(f"{path} exists (--force overwrites)")
