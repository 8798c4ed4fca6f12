"""Files are whole or not there, and nobody's is replaced unasked."""

import errno
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from trellic import files
from trellic.errors import FileExists, PictureTooLarge
from trellic.files import (
    STANDARD,
    check_free,
    move,
    open_bytes,
    read_pipe,
    remove_strays,
    scratch_below,
    write_atomically,
    write_bytes,
)


def test_a_file_that_appears_during_the_work_is_not_replaced(tmp_path):
    target = tmp_path / "a"

    def write(file):
        file.write(b"ours")
        target.write_bytes(b"theirs")

    with pytest.raises(FileExists):
        write_atomically(target, write, replace=False)
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]
    write_atomically(target, lambda file: file.write(b"ours"))
    assert target.read_bytes() == b"ours"


def test_where_there_are_no_links_a_file_is_not_replaced_either(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    write_atomically(tmp_path / "a", lambda file: file.write(b"ours"), replace=False)
    with pytest.raises(FileExists):
        write_atomically(tmp_path / "a", lambda file: file.write(b"others"), replace=False)
    assert (tmp_path / "a").read_bytes() == b"ours"


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path):
    (tmp_path / "a").write_bytes(b"before")
    (tmp_path / "a").chmod(0o640)
    write_atomically(tmp_path / "a", lambda file: file.write(b"after"))
    assert (tmp_path / "a").read_bytes() == b"after"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path):
    (tmp_path / "a").write_bytes(b"before")

    def fail(file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        write_atomically(tmp_path / "a", fail)
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_what_is_being_written_is_no_stray(tmp_path):
    def write(file):
        remove_strays([tmp_path / "a"])
        assert len(list(tmp_path.iterdir())) == 1
        file.write(b"ours")

    write_atomically(tmp_path / "a", write)
    assert (tmp_path / "a").read_bytes() == b"ours"


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", lambda file: file.write(b"x"))
    assert (tmp_path / "real").read_bytes() == b"x"
    assert (tmp_path / "link").is_symlink()


def test_a_pipe_is_written_into_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(reader, "rb") as pipe:
        check_free(tmp_path / "pipe", force=False)
        write_atomically(tmp_path / "pipe", lambda file: file.write(b"x"), replace=False)
        assert pipe.read() == b"x"
    assert (tmp_path / "pipe").is_fifo()


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "made"
    path.write_bytes(b"ours")
    return path


def test_a_finished_file_moves_and_replaces_none_unasked(tmp_path, made):
    move(made, tmp_path / "deep" / "a", replace=False)
    assert (tmp_path / "deep" / "a").read_bytes() == b"ours"
    assert not made.exists()
    made.write_bytes(b"others")
    with pytest.raises(FileExists):
        move(made, tmp_path / "deep" / "a", replace=False)
    assert (tmp_path / "deep" / "a").read_bytes() == b"ours"
    move(made, tmp_path / "deep" / "a", replace=True)
    assert (tmp_path / "deep" / "a").read_bytes() == b"others"


def test_a_file_of_another_file_system_moves_too(tmp_path, made, monkeypatch):
    real = type(made).replace

    def replace(path, target):
        if path == made:
            raise OSError(errno.EXDEV, "another file system")
        return real(path, target)

    monkeypatch.setattr(type(made), "replace", replace)
    move(made, tmp_path / "a", replace=True)
    assert (tmp_path / "a").read_bytes() == b"ours"
    assert not made.exists()


def test_folders_that_killed_processes_left_are_removed_and_those_in_use_stay(tmp_path):
    left = tmp_path / ".trellic-left"
    left.mkdir()
    (left / "file").touch()
    with scratch_below(tmp_path) as first, scratch_below(tmp_path) as second:
        assert {path.name for path in tmp_path.iterdir()} == {first.rpartition("/")[2], second.rpartition("/")[2]}
    assert list(tmp_path.iterdir()) == []


def test_what_gives_bytes_for_ever_is_refused(monkeypatch):
    monkeypatch.setattr(files, "MOST_READ", 1000)
    for path in (Path("/dev/zero"), STANDARD):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(bytes(1001))))
        with pytest.raises(PictureTooLarge, match="more than 1000 bytes"), open_bytes(path):
            pass
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(bytes(1000))))
    assert read_pipe(STANDARD) == bytes(1000)


def test_what_writes_by_name_can_write_into_a_pipe(tmp_path):
    """As ffmpeg and libvips do, which are given a file's name or number."""
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit((tmp_path / "pipe").read_bytes)
        write_atomically(tmp_path / "pipe", lambda file: Path(file.name).write_bytes(b"by name"))
        assert found.result() == b"by name"


def test_names_of_many_bytes_fit(tmp_path):
    """A name may have 255 bytes; that of its temporary file is no longer."""
    path = tmp_path / ("😀" * 60 + ".tlic")
    write_bytes(path, b"bytes")
    assert path.read_bytes() == b"bytes"
