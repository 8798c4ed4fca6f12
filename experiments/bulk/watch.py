"""A bulk run through Ray, watched: its rate once it is warm, its memory, and its workers, some of which are killed."""

import os
import random
import resource
import signal
import threading
import time
from pathlib import Path

from trellic.bulk.records import Record
from trellic.bulk.run import Progress

STARTED = 0.1
"""Fraction of the pictures after which a rate counts: by then all workers are there, and warm."""
EVERY = 2.0
"""Seconds between two looks at memory."""
Figures = dict[str, tuple[float, str]]
"""What was measured: value and unit."""


def descendants(title: str) -> list[int]:
    """Return the processes that this one started, or those did, by what their titles begin with."""
    parents, titles = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                titles[int(folder.name)] = (folder / "cmdline").read_text()
            except (OSError, IndexError):
                continue  # it has just ended
    found = []
    for number in titles:
        above = number
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() and titles[number].startswith(title):
            found.append(number)
    return found


def memory_of(process: int) -> int:
    """Return the resident bytes of a process, or 0 where it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


class Watcher:
    """Watches a run: when it was warm, how much memory it takes, and its workers' deaths, which it causes."""

    def __init__(self, kills: int, total: int) -> None:
        drawn = random.Random(0)
        self.moments = sorted(drawn.sample(range(total // 20, total - total // 20), kills))
        self.random, self.killed, self.warm, self.done_then, self.looked = drawn, 0, 0.0, 0, 0.0
        self.memory: list[tuple[int, int, int]] = []

    def __call__(self, progress: Progress, records: list[Record]) -> None:
        """Look at a run whenever a task is done."""
        if not self.warm and progress.done >= STARTED * progress.total:
            self.warm, self.done_then = time.monotonic(), progress.done
        if time.monotonic() - self.looked > EVERY and (workers := descendants("ray::MapWorker")):
            self.looked = time.monotonic()
            self.memory.append((progress.done, memory_of(os.getpid()), max(map(memory_of, workers))))
        while self._is_due(progress):
            self.moments.pop(0)
            threading.Timer(self.random.uniform(0, 0.5), self._kill).start()

    def _is_due(self, progress: Progress) -> bool:
        return bool(self.moments) and progress.done >= self.moments[0]

    def _kill(self) -> None:
        workers = descendants("ray::MapWorker")
        if workers:
            os.kill(self.random.choice(workers), signal.SIGKILL)
            self.killed += 1

    def warm_rate(self, progress: Progress) -> float:
        """Return pictures a second from when it was warm until now."""
        return (progress.done - self.done_then) / (time.monotonic() - self.warm)

    def figures(self, where: str) -> Figures:
        """Return memory at its most, and by how much its maximum grew from the first to the last third of the run."""
        third, found = max(1, len(self.memory) // 3), {}
        for column, name in ((1, "the driver"), (2, "a worker")):
            most = [max(row[column] for row in part) / 1e6 for part in (self.memory[:third], self.memory[-third:])]
            found[f"memory of {name}, {where}"] = max(most), "MB"
            found[f"growth of {name}, {where}"] = most[1] - most[0], "MB"
        return found
