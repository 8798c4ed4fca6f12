"""The driver of this machine: worker processes, a task each at a time, and others in the place of those that die."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import cast

from trellic.bulk.engine import Engine
from trellic.bulk.records import Record, lost
from trellic.bulk.tasks import Task

MOST_DEATHS = 3
"""Of workers, from one task."""


def run_local(tasks: Iterable[Task], engine: Engine, cores: int) -> Generator[list[Record], None, None]:
    """Yield the records of each task when it is done; no more tasks are taken than there are workers.

    cores  to use, each worker as many as its engine has threads

    A task whose worker died is done again, row by row where nothing binds its rows together, to find the one to blame.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    again: deque[Task] = deque()
    given: dict[Connection, tuple[BaseProcess, Task]] = {}
    idle: list[tuple[Connection, BaseProcess]] = []
    source, workers = iter(tasks), max(1, cores // engine.threads)

    def following() -> Task | None:
        return again.popleft() if again else next(source, None)

    try:
        while True:
            while len(given) < workers and (task := following()):
                connection, process = idle.pop() if idle else _start(engine)
                try:
                    connection.send(task)
                except OSError:  # it died while it had nothing to do
                    connection.close()
                    again.append(task)
                    process.join()
                    continue
                given[connection] = process, task
            if not given:
                return
            for ready in wait(list(given)):
                connection = cast(Connection, ready)  # of another class on Windows
                process, task = given.pop(connection)
                try:
                    records = connection.recv()
                except (EOFError, OSError):
                    connection.close()
                    process.join()
                    yield from _after_death(task, again)
                    continue
                idle.append((connection, process))
                yield records
    finally:
        for process in [*(process for process, _ in given.values()), *(process for _, process in idle)]:
            process.kill()
            process.join()


def _after_death(task: Task, again: deque[Task]) -> Iterator[list[Record]]:
    """Plan what a dead worker was doing once more, or yield its records where enough have died of it."""
    task = task._replace(tried=task.tried + 1)
    if task.tried >= MOST_DEATHS:
        yield lost(task)
    elif task.tar:
        again.append(task)
    else:
        again.extend(task._replace(rows=[row]) for row in task.rows)


def _start(engine: Engine) -> tuple[Connection, BaseProcess]:
    """Start a worker."""
    context = multiprocessing.get_context("spawn")  # threads of networks and of storage do not survive a fork
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(engine, theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _work(engine: Engine, connection: Connection) -> None:
    """Do tasks until there are no more, or nobody waits for them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    while True:
        try:
            task = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        records = engine(task)
        try:
            connection.send(records)
        except (BrokenPipeError, ConnectionResetError):
            return
