"""Records of a manifest: what became of each picture."""

import errno
from pathlib import Path
from typing import Any

from trellic.bulk.tasks import Row, Task
from trellic.errors import FileExists, MissingAdapter, MissingLibrary, MissingModel, StorageFailed, TrellicError
from trellic.jobs.local import describe
from trellic.jobs.plan import Job
from trellic.jobs.work import Facts

Record = dict[str, Any]
COLUMNS = {
    "source": "string", "target": "string", "key": "string", "size": "int64", "bytes": "int64", "bpp": "float64",
    "quality": "float64", "quantizer": "string", "model": "string", "sha256": "string", "seconds": "float64",
    "attempts": "int32", "error": "string", "warnings": "list<string>",
}  # fmt: skip
"""Names and Arrow's types: `size` is of the source and `bytes` of the target, and a rate is that of the stream."""
STORAGE, MEMORY, WORKER = "storage: ", "memory: ", "worker: "
"""How errors begin that are not the picture's: another run tries again."""


def record_of(row: Row, task: Task, **facts: Any) -> Record:
    """Return a row's record, empty but for the row and these facts."""
    return {
        **dict.fromkeys(COLUMNS), "source": as_text(row.source), "target": as_text(row.target) or None, "key": row.key,
        "size": row.size, "attempts": 1 + task.tried, "warnings": [], **facts,
    }  # fmt: skip


def put_facts(record: Record, facts: Facts) -> None:
    """Put those facts into a record that it has columns for."""
    record.update({name: value for name, value in facts.items() if name in COLUMNS})


def put_error(record: Record, error: TrellicError | OSError | MemoryError) -> None:
    """Put an error into a record, in a line."""
    text = describe(error, Job(Path(record["source"]), Path(record["target"] or record["source"])))
    if isinstance(error, MemoryError):
        text = f"{MEMORY}{text}"
    elif isinstance(error, OSError | StorageFailed | FileExists) or _is_of_storage(error.__cause__):
        text = f"{STORAGE}{text}"
    elif isinstance(error, MissingModel | MissingAdapter | MissingLibrary):
        text = f"{WORKER}{text}"
    record["error"] = as_text(" ".join(text.split()))


def _is_of_storage(cause: BaseException | None) -> bool:
    """Return whether what a reader of pictures met was the system's: permissions or a disk, for instance.

    Places that no file can have, as damaged pictures name them, are not.
    """
    return isinstance(cause, OSError) and cause.errno not in {None, errno.EINVAL, errno.EOVERFLOW}


def as_text(name: str) -> str:
    """Return a name as tables hold it: one of bytes that are no text has them escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def is_final(record: Record) -> bool:
    """Return whether another run would give the same: it went well, or the picture is to blame."""
    return not record["error"] or not record["error"].startswith((STORAGE, MEMORY, WORKER))


def failed(task: Task, error: TrellicError | OSError | MemoryError) -> list[Record]:
    """Return the records of a task that met an error of no single file, such as a full disk."""
    records = [record_of(row, task) for row in task.rows]
    for record in records:
        put_error(record, error)
    return records


def lost(task: Task) -> list[Record]:
    """Return the records of a task that no worker survived."""
    return [record_of(row, task, error=f"{WORKER}{task.tried} of them died of it") for row in task.rows]
