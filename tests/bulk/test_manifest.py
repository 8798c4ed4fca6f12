"""The manifest: whole after a kill, the same from lines and from a table, read by pandas and DuckDB."""

import json

import pytest

from bulk.conftest import records_of, run
from trellic.bulk.manifest import Manifest
from trellic.bulk.records import COLUMNS, MEMORY, record_of
from trellic.bulk.tasks import Row, Task


def row(number, source=None, target=""):
    return Row(source or f"{number}.png", target, 9, f"{number:032x}")


def record(number, error=None, **facts):
    made = row(number)
    return record_of(made, Task([made]), error=error, **facts)


def keys(*numbers):
    return {bytes.fromhex(f"{number:032x}") for number in numbers}


@pytest.fixture(params=["folder", "memory"])
def out(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "out")
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").store.clear()
    return "memory://out"


def test_what_is_recorded_is_known_to_the_next_run(out):
    manifest = Manifest(out, "1-of-1")
    manifest.add([record(1)])
    manifest.add([record(2), record(3, error="cannot be read")])
    manifest.add([record(4, error=f"{MEMORY}not enough")])
    manifest.flush()
    assert Manifest(out, "1-of-1").history().done == keys(1, 2, 3)
    assert Manifest(out, "1-of-1").history().failed == keys(3, 4)
    assert Manifest(out, "2-of-2").history().done == set()


def test_what_failed_once_and_then_did_not_has_not_failed(out):
    manifest = Manifest(out, "1-of-1")
    manifest.add([record(1, error="cannot be read"), record(2)])
    manifest.add([record(1), record(2, error="cannot be read")])
    manifest.flush()
    assert manifest.history().failed == keys(2)


def test_the_last_record_of_a_picture_counts(out):
    for errors in (f"{MEMORY}not enough", None), (None, f"{MEMORY}not enough"):
        manifest = Manifest(out, "1-of-1")
        for error in errors:
            manifest.add([record(1, error=error)])
            manifest.flush()
        assert manifest.history().done == (set() if errors[1] else keys(1))


def test_a_tar_is_done_if_all_in_it_are(out):
    manifest = Manifest(out, "1-of-1")
    found = [record(1) | {"source": "x.tar#a"}, record(1, error=f"{MEMORY}no") | {"source": "x.tar#b"}]
    manifest.add([*found, record(1) | {"source": "x.tar#c"}])
    manifest.flush()
    assert manifest.history().done == set()


def test_a_line_that_a_kill_cut_off_is_ignored_and_the_others_are_not(tmp_path):
    manifest = Manifest(str(tmp_path), "1-of-1")
    manifest.add([record(1)])
    (lines,) = (tmp_path / "manifest" / "1-of-1").iterdir()
    lines.write_text(lines.read_text() + json.dumps(record(2))[:50])
    assert Manifest(str(tmp_path), "1-of-1").history().done == keys(1)


def test_the_table_has_each_picture_once_and_takes_the_place_of_the_lines(out):
    pytest.importorskip("pyarrow")
    manifest = Manifest(out, "1-of-1")
    manifest.add([record(1, error=f"{MEMORY}no"), record(2, bpp=0.5, warnings=["a", "b"])])
    manifest.finish()
    manifest.add([record(1)])
    manifest.finish()
    found = sorted(Manifest(out, "1-of-1").records(), key=lambda each: each["key"])
    assert [(each["key"][-1], each["error"]) for each in found] == [("1", None), ("2", None)]
    assert found[1]["warnings"] == ["a", "b"]
    assert list(found[0]) == list(COLUMNS)
    assert manifest._paths(manifest.folder, frozenset({".jsonl"})) == []


def test_pandas_and_duckdb_read_the_table_and_the_lines(folder):
    pytest.importorskip("pyarrow")
    pandas, duckdb = pytest.importorskip("pandas"), pytest.importorskip("duckdb")
    (folder / "in" / "bad.png").write_bytes(b"nonsense")
    run(folder / "in", out=folder / "out")
    lines = next((folder / "out").rglob("*.jsonl"))
    assert pandas.read_json(lines, lines=True)["bytes"].sum() > 0
    expected = records_of(folder / "out")
    run(folder / "in", out=folder / "out", table=True)
    table = folder / "out" / "manifest" / "1-of-1.parquet"
    frame = pandas.read_parquet(table)
    assert set(frame["source"]) == {each["source"] for each in expected}
    assert frame["bytes"].sum() == sum(each["bytes"] or 0 for each in expected)
    query = f"select count(*), count(error), sum(bytes) from '{folder}/out/manifest/*.parquet'"
    assert duckdb.sql(query).fetchall() == [(4, 1, frame["bytes"].sum())]
    assert set(frame.columns) == set(COLUMNS)
