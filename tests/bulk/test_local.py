"""The driver of this machine: workers that die are replaced, and nothing is lost or done twice."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from bulk.conftest import records_of, run
from trellic.bulk.local import MOST_DEATHS, run_local
from trellic.bulk.records import WORKER, record_of
from trellic.bulk.tasks import Row, Task


@dataclass(frozen=True)
class Deadly:
    """An engine that some rows kill, always or the first time."""

    folder: Path
    threads: int = 1

    def __call__(self, task):
        for row in task.rows:
            mark = self.folder / row.source
            if row.source.startswith("always") or (row.source.startswith("once") and not mark.exists()):
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return [record_of(row, task) for row in task.rows]


def rows(*names):
    return [Row(name, "", 1, name) for name in names]


def test_a_task_whose_worker_died_is_done_again_and_the_row_to_blame_is_found(tmp_path):
    tasks = [Task(rows("a", "once", "b")), Task(rows("c", "always", "d")), Task(rows("e"))]
    records = [record for done in run_local(tasks, Deadly(tmp_path), 2) for record in done]
    assert sorted(record["source"] for record in records) == ["a", "always", "b", "c", "d", "e", "once"]
    errors = {record["source"]: record for record in records if record["error"]}
    assert list(errors) == ["always"]
    assert errors["always"]["error"].startswith(WORKER)
    assert next(record for record in records if record["source"] == "once")["attempts"] == 2


def test_rows_of_a_tar_stay_together(tmp_path):
    (records,) = run_local([Task(rows("a", "once"), "x.tar")], Deadly(tmp_path), 1)
    assert [record["attempts"] for record in records] == [2, 2]
    (records,) = run_local([Task(rows("a", "always"), "x.tar")], Deadly(tmp_path), 1)
    assert [record["attempts"] for record in records] == [1 + MOST_DEATHS] * 2


def test_no_more_tasks_are_taken_than_there_are_workers(tmp_path):
    taken = []

    def tasks():
        for number in range(6):
            taken.append(number)
            yield Task(rows(str(number)))

    ahead = [len(taken) - done for done, _ in enumerate(run_local(tasks(), Deadly(tmp_path), 2))]
    assert max(ahead) <= 2


def test_processes_make_the_files_that_one_makes(folder):
    run(folder / "in", out=folder / "one")
    assert run(folder / "in", out=folder / "two", driver=run_local).done == 3
    for path in (folder / "one").rglob("*.tlic"):
        assert path.read_bytes() == (folder / "two" / path.relative_to(folder / "one")).read_bytes()
    assert len(records_of(folder / "two")) == 3
