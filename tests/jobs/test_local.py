"""Runs that end early, run twice at once, or go on: what is there is whole, and nothing is done twice."""

import fcntl
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import interrupt
import trellic
from command import in_words, run_trellic
from conftest import GOLDEN, textured
from trellic.files import remove_strays, write_atomically
from trellic.jobs.local import printable

TINY = ("--model", GOLDEN / "golden.trm")
STRAY = ".a.tlic.0123456789ab"


def cli(*arguments, cwd):
    return in_words(run_trellic(*arguments, cwd=cwd))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    (tmp_path / "in").mkdir()
    for number, name in enumerate("abc"):
        Image.fromarray(textured(40, 50, number)).save(tmp_path / "in" / f"{name}.png")
    return tmp_path


def test_what_was_noticed_of_a_picture_that_fails_is_said(folder):
    Image.fromarray(textured(40, 50)[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    result = cli("encode", "deep.png", "-o", "a.tlic", *TINY, "--psnr", "99", cwd=folder)
    assert result.returncode == 1
    assert ["rounded to 8 bits" in result.stderr, "cannot be reached" in result.stderr] == [True, True]


def test_a_killed_run_leaves_whole_files_and_resumes():
    records = interrupt.run(2, 0, signal.SIGKILL)
    assert [record["problems"] for record in records] == [[]] * 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_whole_files_and_no_others(number):
    (record,) = interrupt.run(1, 1, number, resume=False)
    assert record["problems"] == []
    assert record["strays"] == 0
    assert record["code"] in {0, 128 + number, -number}  # done before; stopped; stopped while loading


def test_resuming_passes_over_what_is_there_and_whole(folder):
    assert cli("encode", "in/a.png", "-o", "out/a.tlic", *TINY, cwd=folder).returncode == 0
    before = (folder / "out" / "a.tlic").stat().st_mtime_ns
    result = cli("encode", "in", "-o", "out", *TINY, "--resume", "--json", cwd=folder)
    assert result.returncode == 0
    assert "1 of 3 were there already" in result.stderr
    assert [record.get("skipped", False) for record in json.loads(result.stdout)] == [True, False, False]
    assert (folder / "out" / "a.tlic").stat().st_mtime_ns == before

    assert cli("decode", "out/b.tlic", "-o", "back/b.png", cwd=folder).returncode == 0
    result = cli("decode", "out", "-o", "back", "--resume", cwd=folder)
    assert result.returncode == 0
    assert "1 of 3 were there already" in result.stderr
    assert len(list((folder / "back").iterdir())) == 3


def test_resuming_passes_over_nothing_that_is_damaged_or_of_another_picture(folder):
    assert cli("encode", "in", "-o", "out", *TINY, cwd=folder).returncode == 0
    whole = (folder / "out" / "a.tlic").read_bytes()
    (folder / "out" / "a.tlic").write_bytes(whole[:-1])
    Image.fromarray(textured(60, 50)).save(folder / "in" / "b.png")
    result = cli("encode", "in", "-o", "out", *TINY, "--resume", cwd=folder)
    assert result.returncode == 1
    assert "cut off" in result.stderr
    assert "50×40, not 50×60" in result.stderr
    assert (folder / "out" / "a.tlic").read_bytes() == whole[:-1]
    assert cli("encode", "in", "-o", "out", *TINY, "--resume", "--force", cwd=folder).returncode == 0
    assert (folder / "out" / "a.tlic").read_bytes() == whole
    assert trellic.info((folder / "out" / "b.tlic").read_bytes())["height"] == 60

    assert cli("decode", "out", "-o", "back", cwd=folder).returncode == 0
    picture = (folder / "back" / "c.png").read_bytes()
    (folder / "back" / "c.png").write_bytes(picture[: len(picture) // 2])
    result = cli("decode", "out", "-o", "back", "--resume", cwd=folder)
    assert result.returncode == 1
    assert "c.png exists, but not as expected" in result.stderr


def test_resuming_takes_no_target_for_that_of_a_source_that_changed_since(folder):
    assert cli("encode", "in/a.png", "-o", "out/a.tlic", *TINY, cwd=folder).returncode == 0
    later = (folder / "out" / "a.tlic").stat().st_mtime_ns + 1
    os.utime(folder / "in" / "a.png", ns=(later, later))
    result = cli("encode", "in/a.png", "-o", "out/a.tlic", *TINY, "--resume", cwd=folder)
    assert result.returncode == 1
    assert "its source is newer" in result.stderr


def test_strays_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path):
    dead, living, other = tmp_path / STRAY, tmp_path / ".a.tlic.0123456789ac", tmp_path / ".b.tlic.0123456789ab"
    for path in (dead, living, other):
        path.touch()
    with living.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        remove_strays([tmp_path / "a.tlic"])
        assert sorted(tmp_path.iterdir()) == [living, other]

    def write(file):
        remove_strays([tmp_path / "c.tlic"])
        file.write(b"whole")

    write_atomically(tmp_path / "c.tlic", write)
    assert (tmp_path / "c.tlic").read_bytes() == b"whole"


WRITER = """
import sys
from pathlib import Path
from trellic.files import remove_strays, write_atomically
from trellic.jobs.local import printable
target = Path(sys.argv[1])
for _ in range(150):
    write_atomically(target, lambda file: [file.write(sys.argv[2].encode() * 1000) for _ in range(9)])
    remove_strays([target])
"""


def test_processes_that_write_and_tidy_one_target_at_once_keep_it_whole(tmp_path):
    target = tmp_path / "a.tlic"
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, target, letter]) for letter in "xyz"]
    while any(process.poll() is None for process in processes):
        if target.exists():
            data = target.read_bytes()
            assert len(data) == 9000
            assert len(set(data)) == 1
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert list(tmp_path.iterdir()) == [target]


def test_two_runs_into_one_file_leave_a_whole_one(folder):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)).save(folder / "noise.png")
    command = [sys.executable, "-m", "trellic", "encode", "noise.png", "-o", "noise.tlic", "--force", *map(str, TINY)]
    processes = [subprocess.Popen([*command, "-q", quality], cwd=folder) for quality in ("20", "90")]
    assert [process.wait() for process in processes] == [0, 0]
    assert trellic.info((folder / "noise.tlic").read_bytes())["quality"] in {20, 90}
    trellic.verify((folder / "noise.tlic").read_bytes())
    assert not list(folder.glob(".noise*"))


def test_names_are_shown_in_one_line_that_no_terminal_obeys():
    assert printable("new\nline \x1b[2J ☃ \udcff.png") == r"new\nline \x1b[2J ☃ \udcff.png"


def test_an_error_names_its_file_once(folder):
    for arguments, line in {
        ("decode", "none.tlic"): "none.tlic: No such file or directory",
        ("encode", "none.png"): "none.png: cannot be read as a picture: No such file or directory",
        ("tiles", "in/a.png", "-o", "tiles"): "trellic: in/a.png: not a .tlic file",
    }.items():
        result = cli(*arguments, cwd=folder)
        assert (result.returncode, result.stderr) == (1, f"{line}\n")
