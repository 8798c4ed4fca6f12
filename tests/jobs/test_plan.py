"""What is worked on, and where to."""

from types import SimpleNamespace

import pytest

from trellic.errors import BadRequest, NoPictures
from trellic.jobs.plan import find_files, plan

STRAY = ".a.tlic.0123456789ab"


def test_a_file_is_found_once_however_often_it_is_named(folder):
    found = find_files([str(folder / "in"), str(folder / "in" / "deep" / "c.png"), str(folder / "in" / "*")], [".png"])
    assert [str(below) for _, below in found] == ["a.png", "b.png", "deep/c.png"]


def test_a_pattern_finds_pictures_alone(folder):
    (folder / "in" / "notes.txt").write_text("no picture")
    found = find_files([str(folder / "in" / "*")], [".png"])
    assert [path.name for path, _ in found] == ["a.png", "b.png"]


def test_strays_are_no_inputs(tmp_path):
    (tmp_path / STRAY).touch()
    (tmp_path / ".a.png.0123456789ab").touch()
    for suffixes in ([".tlic"], [".png"]):
        for inputs in ([str(tmp_path)], [str(tmp_path / "*")]):
            with pytest.raises(NoPictures):
                find_files(inputs, suffixes)


def test_a_file_name_for_several_pictures_is_refused(folder):
    with pytest.raises(BadRequest, match="name of a file"):
        plan([str(folder / "in")], folder / "all.tlic", [".png"], ".tlic")


def test_a_url_without_a_name_is_refused(folder):
    with pytest.raises(BadRequest, match="names no file"):
        plan(["http://127.0.0.1:1/"], folder, [".png"], ".tlic")


def test_a_terminal_gets_no_picture(monkeypatch):
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(BadRequest, match="standard output is a terminal"):
        plan(["-"], None, [".png"], ".tlic")
