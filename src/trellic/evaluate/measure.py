"""Measuring: pictures through codecs at many settings, one record each, kept in one file and never measured twice.

A results file is JSON lines: a head that says by which command, at which commit, on which machine and of which model it
was made, then a record a line. `trellic evaluate`, `trellic compare` and every experiment write such files. A record
belongs to a codec as it was set, to a picture's pixels and to a setting. Every picture really becomes bytes and comes
back, and all figures are of the decoded 8-bit picture; other processes compute them while the next file is coded.
"""

import hashlib
import math
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from trellic.errors import TrellicError
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.lines import Head, read_lines, write_lines
from trellic.evaluate.ssimulacra2 import ssimulacra2
from trellic.metrics import ms_ssim, psnr
from trellic.picture.types import Pixels
from trellic.processors import processors

MEASURES: dict[str, Callable[[Pixels, Pixels], float]] = {
    "psnr": psnr,
    "ms_ssim": ms_ssim,
    "ssimulacra2": ssimulacra2,
}
MOST_WAITING = 1 << 29
"""Bytes of decoded pictures that may wait for their figures."""


@dataclass(frozen=True)
class Record:
    """A picture, coded by a codec at a setting.

    group        the set that the picture belongs to
    content      the picture's name by its pixels
    psnr         in dB; a figure that was not computed, or does not exist for the picture, is None
    ms_ssim      0 to 1
    ssimulacra2  up to 100
    """

    codec: str
    group: str
    picture: str
    content: str
    width: int
    height: int
    setting: float
    bytes: int
    encode_seconds: float
    decode_seconds: float
    psnr: float | None = None
    ms_ssim: float | None = None
    ssimulacra2: float | None = None

    @property
    def bpp(self) -> float:
        """Bits per pixel."""
        return 8 * self.bytes / (self.width * self.height)


@dataclass
class Results:
    """A results file: its head and its records; without a path nothing is written."""

    path: Path | None
    head: Head = field(default_factory=Head)
    records: list[Record] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Return the results in a file. Raises BadRequest where it holds something else."""
        return cls(path, *read_lines(path, lambda values: Record(**values)))

    def prepare(self, codecs: Sequence[ImageCodec], command: str) -> int:
        """Prepare for measuring these codecs here; return how many records do not hold any more, and are dropped."""
        changed, before = self.head.prepare(codecs, command), len(self.records)
        self.records = [record for record in self.records if record.codec not in changed]
        return before - len(self.records)

    def write(self) -> None:
        """Write the file, whole or not at all."""
        if self.path:
            write_lines(self.path, self.head, self.records)


class Coded(NamedTuple):
    """A file's size in bytes, the pixels that it decodes to, and how long both took."""

    bytes: int
    pixels: Pixels
    encode_seconds: float
    decode_seconds: float


def code(codec: ImageCodec, pixels: Pixels, setting: float) -> Coded:
    """Encode and decode pixels, uint8 (H, W, 3). Raises PeerFailed."""
    start = time.perf_counter()
    data = codec.encode(pixels, setting)
    middle = time.perf_counter()
    decoded = codec.decode(data)
    end = time.perf_counter()
    return Coded(len(data), decoded[: pixels.shape[0], : pixels.shape[1]], middle - start, end - middle)


def nearest(codec: ImageCodec, pixels: Pixels, wanted: float, figure: Callable[[Coded], float]) -> tuple[float, Coded]:
    """Return the setting of the file whose figure is nearest to the one wanted, and it. Figures rise with settings."""
    at = lru_cache(None)(lambda index: code(codec, pixels, codec.settings[index]))
    low, high = 0, len(codec.settings) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if figure(at(middle)) <= wanted else (low, middle)
    best = min((low, high), key=lambda index: abs(figure(at(index)) - wanted))
    return codec.settings[best], at(best)


def nearest_in_size(codec: ImageCodec, pixels: Pixels, wanted: int) -> tuple[float, Coded]:
    """Return the setting whose file's size is nearest to `wanted` bytes, and that file."""
    return nearest(codec, pixels, wanted, lambda coded: coded.bytes)


def fingerprint(pixels: Pixels) -> str:
    """Return a picture's name by its content."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()[:16]


def figures(original: Pixels, decoded: Pixels, measures: Sequence[str]) -> dict[str, float | None]:
    """Return the measures of a decoded picture; one that does not exist for it is None."""
    found = {name: MEASURES[name](original, decoded) for name in measures}
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


@contextmanager
def processes(beside: int = 1) -> Iterator[Executor]:
    """Yield processes to compute figures in: one for every processor but those of the codecs, and at least one.

    beside  how many processors are left to the codecs; 0 where times do not count
    """
    workers = max(1, processors() - beside)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class Harness:
    """A run over pictures: known records are not measured again; a codec's failure is reported, and the run continues.

    measures  names of MEASURES
    pool      computes figures
    complain  takes a line about what failed
    """

    codecs: Sequence[ImageCodec]
    results: Results
    measures: Sequence[str]
    pool: Executor
    complain: Callable[[str], None]

    def measure(self, group: str, picture: str, pixels: Pixels, progress: Callable[[], object] = lambda: None) -> bool:
        """Measure the missing records of a picture, uint8 (H, W, 3); return whether nothing failed.

        progress  called after each codec
        """
        content = fingerprint(pixels)
        known = {
            (record.codec, record.setting)
            for record in self.results.records
            if (record.group, record.picture, record.content) == (group, picture, content)
        }
        coded: list[tuple[Record, Future[dict[str, float | None]]]] = []
        sound = True
        for codec in self.codecs:
            try:
                for setting in codec.curve:
                    if (codec.name, setting) not in known:
                        size, decoded, *seconds = code(codec, pixels, setting)
                        height, width = pixels.shape[:2]
                        record = Record(codec.name, group, picture, content, width, height, setting, size, *seconds)
                        coded.append((record, self.pool.submit(figures, pixels, decoded, self.measures)))
                        _hold_back([future for _, future in coded], pixels.nbytes)
            except TrellicError as error:
                self.complain(f"{picture}: {codec.name}: {error}")
                sound = False
            progress()
        if coded:
            self._forget_other_content(group, picture, content)
            self.results.records += [Record(**asdict(record) | found.result()) for record, found in coded]
            self.results.write()
        return sound

    def _forget_other_content(self, group: str, picture: str, content: str) -> None:
        """Drop the records of another picture of this name."""
        self.results.records = [
            record
            for record in self.results.records
            if (record.group, record.picture) != (group, picture) or record.content == content
        ]


def _hold_back(measured: Sequence[Future[dict[str, float | None]]], size: int) -> None:
    """Wait until few enough are unfinished, each of which keeps so many bytes."""
    waiting = [future for future in measured if not future.done()]
    for future in waiting[: max(0, len(waiting) - MOST_WAITING // size)]:
        future.result()
