"""Fetching a model by its hash, from anywhere."""

import hashlib
import os
import re
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from trellic.bulk.storage import deliver, store_of
from trellic.errors import BadRequest, DamagedModel
from trellic.model import Model
from trellic.model.file import LARGEST_MODEL
from trellic.remote import retried

LEAST_DIGITS = 8
"""Of a hash: as many as a stream names its model by."""


def pull_model(url: str, sha256: str) -> Path:
    """Fetch a model into the folder that TRELLIC_MODELS names, whole and proven, and return where it is.

    sha256  of the file in hexadecimal, its first digits at least; "" where the file's name is that
    Raises BadRequest, DamagedModel, FileExists or StorageFailed.
    """
    folder, name = os.environ.get("TRELLIC_MODELS", ""), PurePosixPath(url).name
    if not folder:
        raise BadRequest("TRELLIC_MODELS names no folder to put models into")
    if not name.endswith(".trm"):
        raise BadRequest(f"{url} is no .trm file")
    expected = (sha256 or name.removesuffix(".trm")).lower()
    if not re.fullmatch(rf"[0-9a-f]{{{LEAST_DIGITS},64}}", expected):
        raise BadRequest(f"{expected} is no hash: --hash takes {LEAST_DIGITS} hexadecimal digits or more")
    data, _ = retried(lambda: store_of(url).read(url, LARGEST_MODEL + 1))
    found = hashlib.sha256(data).hexdigest()
    if len(data) > LARGEST_MODEL or not found.startswith(expected):
        raise DamagedModel(f"{url}: its SHA-256 is {found[:16]}, not {expected}")
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / name
        path.write_bytes(data)
        Model.read(path)
        deliver(path, f"{folder}/{name}", force=False)
    return Path(folder) / name
