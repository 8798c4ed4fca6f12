"""Files are whole or not there, and nobody's is replaced unasked."""

import pytest

from trellic.errors import FileExists
from trellic.files import write_atomically


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


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", lambda file: file.write(b"x"))
    assert (tmp_path / "real").read_bytes() == b"x"
    assert (tmp_path / "link").is_symlink()
