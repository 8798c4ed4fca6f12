"""Zip archives of named entries: models, networks of features, and heads are such files.

The same entries always give the same bytes. Nothing of an archive is unpacked before its sizes are checked.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

LARGEST_TEXT = 1 << 22
"""Bytes of an entry that is JSON, at most: it takes many times as much memory once read."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack_entries(entries: Mapping[str, bytes]) -> bytes:
    """Return the bytes of an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def unpack_entries(data: bytes, largest: int, kind: str) -> dict[str, bytes]:
    """Return the entries of an archive by name. Raises ValueError.

    largest  bytes that it may have, and that its entries may have together once unpacked
    kind     of file that it should be, for messages
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            size = max(len(data), sum(info.file_size for info in infos))
            packed = all(info.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for info in infos)
            if size <= largest and packed:
                return {info.filename: archive.read(info) for info in infos}
    except Exception as error:  # damaged archives make zipfile raise errors of any kind
        raise ValueError(f"not a {kind} file ({error})") from error
    raise ValueError(f"larger than {largest} bytes" if size > largest else f"packed in a way that {kind} files are not")


def read_json(data: bytes) -> Any:
    """Return the values of an entry that is JSON. Raises ValueError."""
    if len(data) > LARGEST_TEXT:
        raise ValueError(f"{len(data)} bytes of JSON are more than {LARGEST_TEXT}")
    return json.loads(data)
