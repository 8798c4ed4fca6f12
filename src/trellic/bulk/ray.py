"""The driver of a Ray cluster: Ray Data maps tasks to actors, which Ray starts again when they die.

`pip install "trellic[ray]"` brings it. Every machine needs trellic, and the model: workers check its hash.
"""

import json
import logging
import os
import pickle
import warnings
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from trellic.bulk.engine import Engine
from trellic.bulk.records import Record, lost
from trellic.bulk.tasks import Task
from trellic.errors import MissingLibrary

LOCAL = "local"
"""The address that starts Ray on this machine."""
MOST_DEATHS = 10
"""Of workers, while one task was theirs; Ray does not say which of their tasks is to blame."""
AHEAD = 2
"""Tasks that an actor has at a time: one that it does, and one that waits."""


class Worker:
    """An actor: batches of pickled tasks → batches of records as JSON."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Do tasks."""
        return {"records": [json.dumps(self.engine(pickle.loads(task))) for task in batch["task"]]}


def run_ray(tasks: Iterable[Task], engine: Engine, cores: int, address: str) -> Generator[list[Record], None, None]:
    """Yield the records of each task when it is done.

    cores    of this machine to use, where Ray is started here; a cluster's are all used
    address  of a cluster, or LOCAL
    Raises MissingLibrary.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingLibrary("--ray needs Ray: pip install 'trellic[ray]'") from error
    planned = list(tasks)
    if not planned:
        return
    own = {"num_cpus": cores, "include_dashboard": False} if address == LOCAL else {}
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    try:
        yield from _map(ray.data, planned, engine, int(ray.cluster_resources()["CPU"]))
    finally:
        ray.shutdown()


def _map(data: Any, tasks: list[Task], engine: Engine, cores: int) -> Iterator[list[Record]]:
    """Yield records as actors return them; a task that none of them survived is reported lost."""
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # of what Ray gave up: the tasks that are missing in the end
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    waiting = {task.rows[0].key: task for task in tasks}
    size = max(1, min(len(tasks), cores // engine.threads))
    dataset = data.from_items([{"task": pickle.dumps(task)} for task in tasks], override_num_blocks=len(tasks))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of naming retries, until Ray 2.64 has another way
        mapped = dataset.map_batches(
            Worker,
            fn_constructor_args=(engine,),
            batch_size=1,
            num_cpus=engine.threads,
            max_task_retries=MOST_DEATHS,
            compute=data.ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=AHEAD),
        )
    for row in mapped.iter_rows():
        records = json.loads(row["records"])
        del waiting[records[0]["key"]]
        yield records
    yield from (lost(task._replace(tried=MOST_DEATHS)) for task in waiting.values())
