"""What a bulk run of a million pictures would take: 2,000 small ones through Ray, on this machine.

Crops of training pictures are encoded by two bare processes, and by Ray from folder to folder. Needs the extra `ray`,
some five minutes, and an idle machine. `python -m experiments.bulk.run --pictures 500 ../shared/data` rehearses, and
prints what it finds.
"""

import argparse
import hashlib
import json
import multiprocessing
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from experiments.bulk.watch import STARTED, Figures, Watcher
from experiments.store import keep
from trellic.bulk.coding import Encode
from trellic.bulk.manifest import Manifest
from trellic.bulk.ray import LOCAL, run_ray
from trellic.bulk.records import Record
from trellic.bulk.run import Bulk, Progress, run_bulk
from trellic.codec import Codec, Target
from trellic.codec.options import CodecOptions
from trellic.jobs.local import complain
from trellic.jobs.plan import Job, find_files
from trellic.jobs.work import encode_file
from trellic.picture.kinds import readable_suffixes

PICTURES, SIDE, PROCESSES = 2_000, 64, 2
UNCUT = 12
"""Whole training pictures that the cost of a picture is measured on."""
TRAINING = ("train/photos", "train/cid22")


def coding() -> Encode:
    return Encode.of(Target(), CodecOptions())


def make_crops(data: Path, out: Path, pictures: int) -> None:
    """Write crops of training pictures."""
    count = 0
    for path, _ in find_files([str(data / name) for name in TRAINING], readable_suffixes()):
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        for top in range(0, image.height - SIDE + 1, SIDE):
            for left in range(0, image.width - SIDE + 1, SIDE):
                if count == pictures:
                    return
                place = out / f"{count // 1000:03}" / f"{count:06}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                image.crop((left, top, left + SIDE, top + SIDE)).save(place, compress_level=1)
                count += 1
    raise SystemExit(f"bulk: {data} has crops for {count} pictures only")


def encode_bare(files: list[tuple[Path, Path]], out: Path, times: Any) -> None:
    """Encode files in a loop, and report when each tenth was done."""
    codec = Codec(threads=1)
    for number, (path, below) in enumerate(files, 1):
        target = out / f"{below}.tlic"
        target.parent.mkdir(parents=True, exist_ok=True)
        encode_file(Job(path, target), codec, Target())
        if number in (int(STARTED * len(files)), len(files)):
            times.put(time.monotonic())


def rate_of_bare_processes(pictures: Path, out: Path) -> tuple[float, float]:
    """Return pictures a second of bare processes, each with its half: all in all, and once they are warm."""
    files = find_files([str(pictures)], {".png"})
    context = multiprocessing.get_context("spawn")
    times = context.Queue()
    start = time.monotonic()
    processes = [
        context.Process(target=encode_bare, args=(files[number::PROCESSES], out, times)) for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    found = sorted(times.get() for _ in range(2 * PROCESSES))
    for process in processes:
        process.join()
    warm, end = found[PROCESSES - 1], found[-1]
    return len(files) / (end - start), (1 - STARTED) * len(files) / (end - warm)


def encode_by_bare_processes(data: Path, work: Path, pictures: int) -> tuple[float, float]:
    """Make crops in work/crops and their streams in work/bare; return pictures a second, warm, and all in all."""
    make_crops(data, work / "crops", pictures)
    complain("bulk: crops made")
    rate, warm = rate_of_bare_processes(work / "crops", work / "bare")
    complain(f"bulk: bare processes {warm:.0f}/s")
    return warm, rate


def run_through_ray(source: str, out: str, watcher: Watcher) -> tuple[Progress, float]:
    """Encode through Ray, and return how it went, and the pictures a second once it was warm."""
    rates = []

    def watch(progress: Progress, records: list[Record]) -> None:
        watcher(progress, records)
        if progress.done == progress.total:
            rates.append(watcher.warm_rate(progress))

    bulk = Bulk(coding(), [source], out, table=True, cores=PROCESSES)
    return run_bulk(bulk, partial(run_ray, address=LOCAL), watch), rates[0]


def figures_of_records(records: list[Record], work: Path, where: str) -> Figures:
    """Return how many records there are, of how many pictures, and how many streams have a bare process's SHA-256."""
    bare = (work / "bare").rglob("*.tlic")
    expected = {path.name[:-5]: hashlib.sha256(path.read_bytes()).hexdigest() for path in bare}
    found = {record["source"].rpartition("/")[2]: record["sha256"] for record in records}
    return {
        f"records, {where}": (len(records), ""),
        f"pictures recorded, {where}": (len(found), ""),
        f"errors, {where}": (sum(bool(record["error"]) for record in records), ""),
        f"same bytes, {where}": (sum(found.get(name) == sha256 for name, sha256 in expected.items()), ""),
    }


def figures_of_manifest(work: Path, pictures: int) -> Figures:
    """Return what the manifest and a restart take."""
    manifest = Manifest(str(work / "ray"), "1-of-1")
    table = (work / "ray" / "manifest" / "1-of-1.parquet").stat().st_size
    line = sum(len(json.dumps(record)) + 1 for record in manifest.records())
    start = time.process_time()
    done = manifest.history().done
    reading = time.process_time() - start
    start = time.monotonic()
    bulk = Bulk(coding(), [str(work / "crops")], str(work / "ray"), cores=PROCESSES)
    progress = run_bulk(bulk, partial(run_ray, address=LOCAL), lambda progress, records: None)
    assert (progress.before, progress.done) == (pictures, 0)
    return {
        "manifest, JSON lines": (line / pictures, "bytes/picture"),
        "manifest, Parquet": (table / pictures, "bytes/picture"),
        "reading it": (1e6 * reading / pictures, "µs of CPU/picture"),
        "keys in memory": ((sys.getsizeof(done) + 49 * len(done)) / pictures, "bytes/picture"),
        "restart with nothing to do, folder": (1e6 * (time.monotonic() - start) / pictures, "µs/picture"),
    }


def figures_of_whole_pictures(data: Path, work: Path) -> Figures:
    """Return what one core takes for whole training pictures."""
    files = find_files([str(data / TRAINING[0])], readable_suffixes())[:UNCUT]
    codec = Codec(threads=1)
    encode_file(Job(files[0][0], work / "first.tlic"), codec, Target())
    start, pixels, size, source = time.process_time(), 0, 0, 0
    for number, (path, _) in enumerate(files):
        facts = encode_file(Job(path, work / f"{number}.tlic"), codec, Target())
        pixels += facts["width"] * facts["height"]
        size += facts["bytes"]
        source += path.stat().st_size
    return {
        "cost of a picture": ((time.process_time() - start) / UNCUT, "s of CPU"),
        "pixels of a picture": (pixels / UNCUT / 1e6, "MP"),
        "bytes of a stream": (size / UNCUT / 1e3, "kB"),
        "bytes of a source": (source / UNCUT / 1e3, "kB"),
    }


def measure(data: Path, pictures: int) -> Figures:
    """Return all figures."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "whole").mkdir()
        figures = figures_of_whole_pictures(data, work / "whole")
        bare_warm, bare_rate = encode_by_bare_processes(data, work, pictures)
        watcher = Watcher(0, pictures)
        progress, ray_warm = run_through_ray(str(work / "crops"), str(work / "ray"), watcher)
        rate = progress.rate
        complain(f"bulk: Ray {ray_warm:.0f}/s")
        records = list(Manifest(str(work / "ray"), "1-of-1").records())
        return {
            **figures,
            "pictures": (pictures, ""),
            "two bare processes": (bare_warm, "pictures/s"),
            "two bare processes, their start included": (bare_rate, "pictures/s"),
            "Ray, folder to folder": (ray_warm, "pictures/s"),
            "Ray, its start and the manifest included": (rate, "pictures/s"),
            "Ray beside bare processes": (100 * ray_warm / bare_warm, "%"),
            **watcher.figures("folder to folder"),
            **figures_of_records(records, work, "folder to folder"),
            **figures_of_manifest(work, pictures),
        }


def run(data: Path) -> None:
    """Measure all of it anew."""
    keep_figures("bulk", measure(data, PICTURES))


def keep_figures(name: str, figures: Figures) -> None:
    """Write figures as an experiment's results."""
    keep(name, [{"what": what, "value": value, "unit": unit} for what, (value, unit) in figures.items()])


def print_figures(figures: Figures) -> None:
    """Print figures, a line each."""
    for what, (value, unit) in figures.items():
        print(f"{what:45} {value:12.4g} {unit}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", type=int, default=PICTURES)
    options = parser.parse_args()
    print_figures(measure(options.data, options.pictures))
