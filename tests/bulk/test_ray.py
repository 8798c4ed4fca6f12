"""The driver of a Ray cluster: bytes, records and errors are those of one process. Skipped where Ray is missing."""

import pytest

from bulk.conftest import records_of, run

pytest.importorskip("ray")

from trellic.bulk.ray import LOCAL, run_ray


def by_ray(tasks, engine, cores):
    return run_ray(tasks, engine, cores, LOCAL)


def test_ray_makes_the_files_that_one_process_makes(folder):
    (folder / "in" / "bad.png").write_bytes(b"nonsense")
    run(folder / "in", out=folder / "one")
    progress = run(folder / "in", out=folder / "ray", driver=by_ray)
    assert (progress.done, progress.errors) == (4, 1)
    for path in (folder / "one").rglob("*.tlic"):
        assert path.read_bytes() == (folder / "ray" / path.relative_to(folder / "one")).read_bytes()
    columns = ("source", "size", "bytes", "sha256", "error")
    one, ray = (
        sorted([each[name] or "" for name in columns] for each in records_of(folder / out)) for out in ("one", "ray")
    )
    assert one == ray
