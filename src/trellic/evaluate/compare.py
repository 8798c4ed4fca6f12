"""A comparison of codecs: every picture through every codec at enough rates, in one run on one machine.

What was measured is kept in one file, record by record, and never measured twice: a record belongs to a codec as it was
set, to a picture's pixels and to a setting. Figures are of the decoded 8-bit picture; other processes compute them
while the next file is coded. Times are one thread's, of what a caller waits for: for hevc and vvc they include starting
ffmpeg and the colour conversion, for trellic not loading the model; `start` is the same for a tiny picture.
"""

import hashlib
import json
import math
import multiprocessing
import os
import platform
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trellic.errors import BadRequest, PeerFailed
from trellic.evaluate.peers import Peer, Point, measure
from trellic.evaluate.ssimulacra2 import ssimulacra2
from trellic.files import write_atomically
from trellic.metrics import ms_ssim
from trellic.picture.types import Pixels

Record = dict[str, Any]

LISTS = ("records", "starts", "memory", "details")
TINY = 64
MOST_WAITING = 1 << 29
"""Bytes of decoded pictures that may wait for their figures."""


def fingerprint(pixels: Pixels) -> str:
    """Return a picture's name by its content."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()[:16]


def distinct_names(files: Sequence[tuple[Path, Path]]) -> dict[Path, str]:
    """Return a name for each (file, path below its folder): the path below, or all of it where two would be one."""
    below = [str(name) for _, name in files]
    return {path: str(name) if below.count(str(name)) == 1 else str(path) for path, name in files}


def by_set(files: Sequence[tuple[Path, Path]], names: dict[Path, str]) -> dict[str, list[str]]:
    """Return the names of the pictures of each set: of each folder that was given, or that a given file lies in."""
    sets: dict[str, list[str]] = {}
    for path, below in files:
        group = sets.setdefault(path.resolve().parents[len(below.parts) - 1].name, [])
        if names[path] not in group:
            group.append(names[path])
    return sets


def machine() -> str:
    """Return the processor, how many of it there are, and the system: what times depend on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}"


@dataclass
class Results:
    """All that a comparison measured, and the file that it is kept in.

    command  that wrote the file; empty before
    machine  where it was measured
    codecs   how each codec was set; lists hold records, each with its `codec`
    sets     the pictures that every codec coded at every setting, by the name of their set; made anew by each run
    records  a picture at a setting; starts: what a codec takes for a tiny picture; memory; details: see `details`
    """

    path: Path
    command: str = ""
    machine: str = field(default_factory=machine)
    codecs: dict[str, str] = field(default_factory=dict)
    sets: dict[str, list[str]] = field(default_factory=dict)
    lists: dict[str, list[Record]] = field(default_factory=lambda: {name: [] for name in LISTS})

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Return what a file holds. Raises BadRequest where the file is another's."""
        try:
            old = json.loads(path.read_text())
            lists = {name: list(old[name]) for name in LISTS}
            return cls(path, old["command"], old["machine"], dict(old["codecs"]), dict(old.get("sets", {})), lists)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadRequest(f"{path} is no comparison; choose another file") from error

    @classmethod
    def open(cls, path: Path, peers: Sequence[Peer]) -> "Results":
        """Return what the file holds of these peers as they are set now, and of others; nothing if there is no file.

        Raises BadRequest where the file is another's, or was measured on another machine.
        """
        results = cls.read(path) if path.exists() else cls(path)
        if results.machine != machine():
            raise BadRequest(f"{path} was measured on another machine ({results.machine}); choose another file")
        for peer in peers:
            if results.codecs.get(peer.name) != peer.about:
                for name in LISTS:
                    results.lists[name] = [record for record in results.lists[name] if record["codec"] != peer.name]
            results.codecs[peer.name] = peer.about
        return results

    def of(self, kind: str, **values: object) -> list[Record]:
        """Return the records of a list that have these values."""
        return [entry for entry in self.lists[kind] if all(entry[key] == value for key, value in values.items())]

    def records_of(self, images: Iterable[str]) -> list[Record]:
        """Return the records of these pictures."""
        wanted = set(images)
        return [entry for entry in self.lists["records"] if entry["image"] in wanted]

    def forget_other_content(self, image: str, content: str) -> None:
        """Drop what was measured on another picture of this name."""
        for name in ("records", "memory", "details"):
            self.lists[name] = [
                entry for entry in self.lists[name] if entry["image"] != image or entry["content"] == content
            ]

    def write(self, command: str) -> None:
        """Write the file, whole or not at all; a line a record."""
        head = {"command": command, "machine": self.machine, "codecs": self.codecs, "sets": self.sets}
        parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
        for name, records in self.lists.items():
            lines = ",\n".join(json.dumps(record, allow_nan=False) for record in records)
            parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
        text = "{" + ",\n".join(parts) + "}\n"
        write_atomically(self.path, lambda file: file.write(text.encode()))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def figures(pixels: Pixels, point: Point) -> Record:
    """Return the size and the quality of a coded picture; a figure that does not exist for it is None."""
    return {
        "bytes": point.bytes,
        "bpp": 8 * point.bytes / (pixels.shape[0] * pixels.shape[1]),
        "psnr": _finite(point.psnr),
        "ms_ssim": _finite(ms_ssim(pixels, point.pixels)),
        "ssimulacra2": _finite(ssimulacra2(pixels, point.pixels)),
    }


@contextmanager
def other_processors() -> Iterator[Executor]:
    """Yield processes to compute figures in: one for every processor but that of the codecs, and at least one."""
    workers = max(1, (os.cpu_count() or 1) - 1)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class Comparison:
    """A run over pictures: what is known already is left as it is, a codec's failure is told and gone past.

    pool      computes figures
    save      keeps the results; called after each picture of which something was measured
    complain  takes a line about what failed
    """

    peers: Sequence[Peer]
    results: Results
    pool: Executor
    save: Callable[[], None]
    complain: Callable[[str], None]
    ready: set[str] = field(default_factory=set)

    def measure_picture(self, image: str, pixels: Pixels, progress: Callable[[], None] = lambda: None) -> bool:
        """Measure what is missing of a picture, uint8 (H, W, 3); return whether nothing failed.

        progress  is called after each codec
        """
        content = fingerprint(pixels)
        self.results.forget_other_content(image, content)
        coded: list[tuple[Record, Future[Record]]] = []
        sound = True
        for peer in self.peers:
            known = {entry["setting"] for entry in self.results.of("records", codec=peer.name, image=image)}
            missing = [setting for setting in peer.rates if setting not in known]
            try:
                if missing:
                    self._make_ready(peer)
                for setting in missing:
                    point = measure(peer, pixels, setting)
                    entry = record(peer, image, content, pixels, setting, point)
                    coded.append((entry, self.pool.submit(figures, pixels, point)))
                    _hold_back([measured for _, measured in coded], pixels.nbytes)
            except PeerFailed as error:
                self.complain(f"{image}: {peer.name}: {error}")
                sound = False
            progress()
        self.results.lists["records"] += [entry | measured.result() for entry, measured in coded]
        if coded:
            self.save()
        return sound

    def _make_ready(self, peer: Peer) -> None:
        """Let a codec load and compile all it needs, and then measure how long it takes for a tiny picture."""
        if peer.name in self.ready:
            return
        tiny = np.full((TINY, TINY, 3), 128, np.uint8)
        middle = peer.rates[len(peer.rates) // 2]
        measure(peer, tiny, middle)
        self.ready.add(peer.name)
        if not self.results.of("starts", codec=peer.name):
            point = measure(peer, tiny, middle)
            times = {"encode_seconds": point.encode_seconds, "decode_seconds": point.decode_seconds}
            self.results.lists["starts"].append({"codec": peer.name, **times})


def _hold_back(measured: Sequence[Future[Record]], size: int) -> None:
    """Wait until few enough are unfinished, each of which keeps so many bytes."""
    waiting = [future for future in measured if not future.done()]
    for future in waiting[: max(0, len(waiting) - MOST_WAITING // size)]:
        future.result()


def record(peer: Peer, image: str, content: str, pixels: Pixels, setting: float, point: Point) -> Record:
    """Return what tells a coded picture, uint8 (H, W, 3), from others, and how long it took."""
    return {
        "codec": peer.name,
        "image": image,
        "content": content,
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "setting": setting,
        "encode_seconds": point.encode_seconds,
        "decode_seconds": point.decode_seconds,
    }


def complete(results: Results, peers: Sequence[Peer], images: Sequence[str]) -> list[str]:
    """Return the pictures that every codec coded at every setting: only these can be compared."""
    have = {(entry["codec"], entry["image"], entry["setting"]) for entry in results.lists["records"]}
    return [i for i in images if all((peer.name, i, setting) in have for peer in peers for setting in peer.rates)]
