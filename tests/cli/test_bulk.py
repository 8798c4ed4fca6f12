"""trellic bulk as a user types it: exit codes, messages, a kill and another run."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest

from command import run_trellic
from conftest import GOLDEN
from trellic.bulk.run import Progress
from trellic.cli.bulk import line_of, name_ray

TINY = ("--model", GOLDEN / "golden.trm", "--effort", 1)


def bulk(*arguments, cwd, **environment):
    return run_trellic("bulk", *arguments, cwd=cwd, **environment)


def test_a_bad_picture_makes_the_exit_code_1_and_is_a_line_on_stderr(folder):
    (folder / "in" / "bad.png").write_bytes(b"nonsense")
    result = bulk("encode", "in", "-o", "out", *TINY, "--jobs", 1, "--json", cwd=folder)
    assert result.returncode == 1
    assert [line.split(b":")[0] for line in result.stderr.splitlines()] == [b"in/bad.png"]
    facts = json.loads(result.stdout)
    assert (facts["files"], facts["done"], facts["errors"]) == (4, 4, 1)
    assert facts["bytes"] == sum(path.stat().st_size for path in (folder / "out").rglob("*.tlic"))


def test_pictures_are_coded_without_restoration_as_by_encode(folder):
    arguments = ("--model", GOLDEN / "golden.trm", "--no-restoration")
    bulk("encode", "in/a.png", "-o", "out", *arguments, cwd=folder)
    run_trellic("encode", "in/a.png", "-o", "a.tlic", *arguments, cwd=folder)
    assert (folder / "out" / "a.png.tlic").read_bytes() == (folder / "a.tlic").read_bytes()
    run_trellic("encode", "in/a.png", "-o", "restored.tlic", *arguments[:-1], cwd=folder)
    assert (folder / "restored.tlic").read_bytes() != (folder / "a.tlic").read_bytes()


def test_a_url_of_this_machines_files_is_a_path(folder):
    done = bulk("encode", f"file://{folder}/in", "-o", f"file://{folder}/out", *TINY, "--quiet", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "out" / "a.png.tlic").exists()
    assert b"3 done before" in bulk("encode", folder / "in", "-o", "out", *TINY, cwd=folder).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("encode", "missing", "-o", "out"), "nothing to work on"),
        (("encode", "in", "-o", "out", "--shard", "4/3"), "--shard"),
        (("encode", "in", "-o", "nosuch://out"), "nosuch"),
        (("encode", "in", "-o", "out", "--quantizer", "nosuch"), "nosuch"),
        (("encode", "in", "-o", "out", "--effort", "5", "--quantizer", "tcq8"), "--effort does not go with"),
        (("encode", "in", "-o", "out", "--size", "900", "--quality", "5"), "--quality does not go with"),
        (("decode", "in", "-o", "out", "--format", "nosuch"), "cannot be written"),
        (("decode", "in", "-o", "out", "--device", "rocm"), "rocm"),
    ],
)
def test_a_request_that_cannot_work_is_one_line(folder, arguments, said):
    result = bulk(*arguments, cwd=folder)
    assert result.returncode == 1
    assert said in result.stderr.decode()
    assert len(result.stderr.splitlines()) == 1


def test_a_killed_run_loses_nothing_and_the_next_one_does_the_rest(folder):
    for number in range(40):
        shutil.copy(folder / "in" / "a.png", folder / "in" / f"{number}.png")
    command = [sys.executable, "-m", "trellic", "bulk", "encode", "in", "-o", "out", *map(str, TINY), "--jobs", "1"]
    process = subprocess.Popen(command, cwd=folder)
    while process.poll() is None and not list((folder / "out").rglob("*.jsonl")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    recorded = sum(len(json.loads(line)) for path in (folder / "out").rglob("*.jsonl") for line in path.open())
    facts = json.loads(bulk("encode", "in", "-o", "out", *TINY, "--jobs", 1, "--json", cwd=folder).stdout)
    assert facts["done_before"] >= 1
    assert recorded
    assert facts["done_before"] + facts["done"] == 43
    assert facts["errors"] == 0
    assert len(list((folder / "out").rglob("*.tlic"))) == 43


def test_a_run_that_goes_on_from_one_with_errors_ends_as_that_did(folder):
    (folder / "in" / "broken.png").write_bytes(b"no picture")
    first, second = (bulk("encode", "in", "-o", "out", *TINY, "--json", cwd=folder) for _ in range(2))
    facts = json.loads(second.stdout)
    assert first.returncode == second.returncode == 1
    assert (facts["done_before"], facts["failed_before"], facts["done"], facts["errors"]) == (facts["files"], 1, 0, 0)
    assert (
        b"4 done before, 1 of them with errors (see the manifest), 0 now"
        in bulk("encode", "in", "-o", "out", *TINY, cwd=folder).stdout
    )


def test_ray_takes_an_address_or_none():
    assert name_ray(["trellic", "bulk", "encode", "--ray", "in"])[3:] == ["--ray=local", "in"]
    assert name_ray(["trellic", "bulk", "encode", "in", "--ray"])[4:] == ["--ray=local"]
    for address in ("auto", "ray://head:10001", "10.0.0.1:6379"):
        assert name_ray(["trellic", "bulk", "encode", "--ray", address])[3:] == ["--ray", address]
    assert name_ray(["trellic", "encode", "--ray"])[2:] == ["--ray"]


def test_progress_says_rate_and_time_left(monkeypatch):
    monkeypatch.setattr("time.monotonic", lambda: 110.0)
    progress = Progress(total=8_000, before=1_000, done=20, errors=2, started=100.0)
    assert line_of(progress) == "1020 of 8000 files, 2.0 a second, 0:58:10 left, 2 errors"
