import os

import pytest

from trellic.errors import NoPictures
from trellic.serve import folder as module
from trellic.serve.answers import Refused
from trellic.serve.folder import Folder


def test_pictures_and_streams_are_listed_and_nothing_else(shared):
    files = Folder(shared).files()
    assert [(file["name"], file["type"]) for file in files] == [
        ("a b.png", "image/png"), ("b.tlic", "image/x-tlic"), ("deep/ü.tlic", "image/x-tlic"),
    ]  # fmt: skip
    assert files[1]["bytes"] == (shared / "b.tlic").stat().st_size


def test_listed_files_are_found(shared):
    found = Folder(shared)
    assert [found.find(file["name"]).name for file in found.files()] == ["a b.png", "b.tlic", "ü.tlic"]


@pytest.mark.parametrize(
    "name",
    ["", "/", "..", "../out.png", "deep/../../out.png", "deep/../b.tlic", "/etc/passwd", "deep//ü.tlic",
     "..\\out.png", "b.tlic\0", ".secret.png", ".hidden/c.png", "notes.txt", "link.png", "inner.png", "deep",
     "x" * 5000, "no.png"],
)  # fmt: skip
def test_what_is_not_listed_does_not_exist(shared, name):
    with pytest.raises(Refused) as refused:
        Folder(shared).find(name)
    assert refused.value.status == 404


def test_a_link_in_a_circle_and_a_pipe_are_no_pictures(shared):
    (shared / "circle.png").symlink_to(shared / "circle.png")
    os.mkfifo(shared / "pipe.png")
    assert len(Folder(shared).files()) == 3
    for name in ("circle.png", "pipe.png"):
        with pytest.raises(Refused):
            Folder(shared).find(name)


def test_a_folder_may_be_reached_by_a_link(shared, tmp_path):
    (tmp_path / "here").symlink_to(shared)
    assert len(Folder(tmp_path / "here").files()) == 3


def test_a_list_is_bounded(shared, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "MOST_LISTED", 2)
        assert len(Folder(shared).files()) == 2
    monkeypatch.setattr(module, "MOST_VISITED", 1)
    assert [file["name"] for file in Folder(shared).files() if "/" in file["name"]] == []
    for name in "cdefg":  # of a large folder, the first
        (shared / f"{name}.tlic").write_bytes(b"")
    monkeypatch.setattr(module, "MOST_VISITED", 4)
    assert len(Folder(shared).files()) < 5


def test_what_is_no_folder_is_refused(shared):
    with pytest.raises(NoPictures, match=r"notes\.txt is no folder"):
        Folder(shared / "notes.txt")
