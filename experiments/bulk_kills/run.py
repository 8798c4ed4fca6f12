"""A bulk run that is disturbed: many small pictures through Ray from bucket to bucket, whose workers are killed.

The bucket is that of an S3-compatible server on this machine (moto), which takes its part of the processors. Needs the
extras `ray` and `test`, and some eight minutes. `python -m experiments.bulk_kills.run --pictures 500 --kills 2
../shared/data` rehearses, and prints what it finds.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.bulk.run import (
    PICTURES,
    encode_by_bare_processes,
    figures_of_records,
    keep_figures,
    print_figures,
    run_through_ray,
)
from experiments.bulk.watch import Figures, Watcher
from trellic.bulk.manifest import Manifest
from trellic.bulk.storage import Entry, listed
from trellic.jobs.local import complain

KILLS = 20


@contextmanager
def s3_server() -> Iterator[None]:
    """Run an S3-compatible server in a process of its own, and point fsspec at it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-c", "from moto.server import main; main()", "-p", port]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    values = {"ENDPOINT_URL": f"http://127.0.0.1:{port}", "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}
    os.environ |= {f"AWS_{name}": value for name, value in values.items()}
    try:
        time.sleep(5)
        yield
    finally:
        process.kill()
        process.wait()


def measure(data: Path, pictures: int, kills: int) -> Figures:
    """Return all figures."""
    import fsspec

    with tempfile.TemporaryDirectory() as folder, s3_server():
        work = Path(folder)
        encode_by_bare_processes(data, work, pictures)
        system = fsspec.filesystem("s3")
        for bucket in ("photos", "coded"):
            system.mkdir(bucket)
        system.put(f"{work / 'crops'}/", "photos/", recursive=True)
        complain("bulk_kills: uploaded")
        watcher = Watcher(kills, pictures)
        _, rate = run_through_ray("s3://photos", "s3://coded", watcher)
        complain(f"bulk_kills: Ray {rate:.0f}/s")
        records = list(Manifest("s3://coded", "1-of-1").records())
        coded = system.find("coded", detail=True)
        return {
            "Ray, bucket to bucket, workers killed": (rate, "pictures/s"),
            "workers killed": (watcher.killed, ""),
            **figures_of_records(records, work, "bucket to bucket"),
            "objects": (sum(name.endswith(".tlic") for name in coded), ""),
            **watcher.figures("bucket to bucket"),
            **figures_of_listing(pictures),
        }


def figures_of_listing(pictures: int) -> Figures:
    """Return what listing a bucket takes."""

    def list_bucket() -> list[Entry]:
        return listed(["s3://photos"], frozenset({".png"}), lambda entry: True)

    start = time.process_time()
    entries = list_bucket()
    seconds = time.process_time() - start
    assert len(entries) == pictures
    held = sum(sys.getsizeof(part) for entry in entries for part in (entry, entry.below, entry.size, entry.tag))
    tracemalloc.start()
    list_bucket()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "listing": (1e6 * seconds / pictures, "µs of CPU/picture"),
        "listing, memory at its peak": (peak / pictures, "bytes/picture"),
        "plan in memory": (held / pictures, "bytes/picture"),
    }


def run(data: Path) -> None:
    """Measure all of it anew."""
    keep_figures("bulk_kills", measure(data, PICTURES, KILLS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--kills", type=int, default=KILLS)
    options = parser.parse_args()
    print_figures(measure(options.data, options.pictures, options.kills))
