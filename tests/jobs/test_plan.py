"""What is worked on, and where to."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from trellic.errors import BadRequest, NoPictures
from trellic.jobs.plan import Job, check_there, find_files, find_pictures, plan

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
        for named in (tmp_path, tmp_path / "*"):
            assert find_files([str(named)], suffixes) == [(named, Path(named.name))]


def test_an_input_without_a_name_is_refused():
    with pytest.raises(BadRequest, match="no name"):
        find_files([""], [".png"])


def test_a_folder_that_stands_for_itself_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_files(["."], [".png"]) == [(Path(), Path(tmp_path.name))]
    assert [job.source for job in plan(["."], Path("out"), [".png"], ".tlic")] == [Path()]


def test_what_cannot_be_seen_is_found(folder, monkeypatch):
    seen = Path.stat

    def stat(path, **options):
        if path.name == "a.png":
            raise PermissionError(13, "Permission denied", str(path))
        return seen(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    assert [str(below) for _, below in find_files([str(folder / "in")], [".png"])] == ["a.png", "b.png", "deep/c.png"]


def test_pictures_that_are_not_there_are_reported_and_others_found(folder):
    (folder / "in" / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "empty").mkdir()
    said = []
    found = find_pictures([str(folder / "empty"), str(folder / "in")], [".png"], said.append)
    assert [str(below) for _, below in found] == ["a.png", "b.png", "deep/c.png"]
    assert ["nothing to work on" in said[0], "No such file" in said[1]] == [True, True]
    with pytest.raises(NoPictures):
        find_pictures([str(folder / "empty")], [".png"], said.append)


def test_a_folder_in_which_nothing_is_found_is_an_error_of_its_own(tmp_path):
    with pytest.raises(NoPictures, match="nothing to work on"):
        check_there(Job(tmp_path, tmp_path))


def test_what_cannot_be_listed_or_followed_is_found_and_not_passed_over(folder, monkeypatch):
    (folder / "in" / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "in" / "album").symlink_to(folder / "in" / "deep")
    (folder / "in" / "secret").mkdir()
    listing = os.scandir

    def scandir(path):
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr("os.scandir", scandir)
    found = find_files([str(folder / "in")], [".png"])
    assert [str(below) for _, below in found] == ["a.png", "b.png", "deep/c.png", "gone.png", "secret"]
    with pytest.raises(PermissionError):
        check_there(Job(found[-1][0], found[-1][0]))


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
