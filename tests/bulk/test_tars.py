"""Tars are read member by member, in bounded memory."""

import io
import tarfile

import pytest

from trellic.bulk import tars
from trellic.bulk.tars import TarReader
from trellic.errors import UnreadablePicture


@pytest.mark.parametrize("named", ["GNU.sparse.map", "GNU.sparse.size"])
def test_numbers_that_are_none_are_an_error(tmp_path, named):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("a.png")
        member.pax_headers = {named: "abc"}
        tar.addfile(member)
    with pytest.raises(UnreadablePicture, match="cannot be read as a tar"):
        list(TarReader(tmp_path / "a.tar"))


def test_names_are_bounded(tmp_path):
    for size, is_read in ((1 << 19, True), (1 << 21, False)):
        with tarfile.open(tmp_path / "a.tar", "w:gz", format=tarfile.PAX_FORMAT) as tar:
            member = tarfile.TarInfo("a.png")
            member.pax_headers = {"comment": "x" * size}
            tar.addfile(member)
        if is_read:
            assert list(TarReader(tmp_path / "a.tar")) == [("a.png", b"")]
        else:
            with pytest.raises(UnreadablePicture, match="a name or attributes of"):
                list(TarReader(tmp_path / "a.tar"))


def test_a_member_that_is_too_large_is_named(tmp_path, monkeypatch):
    """A compressed tar of a few bytes may hold it."""
    with tarfile.open(tmp_path / "a.tar", "w:gz") as tar:
        for name, size in (("a.png", 1000), ("b.png", 1001)):
            member = tarfile.TarInfo(name)
            member.size = size
            tar.addfile(member, io.BytesIO(bytes(size)))
    assert (tmp_path / "a.tar").stat().st_size < 500
    monkeypatch.setattr(tars, "MOST_READ", 1000)
    found = iter(TarReader(tmp_path / "a.tar"))
    assert next(found) == ("a.png", bytes(1000))
    with pytest.raises(UnreadablePicture, match=r"b\.png in it has 1001 bytes"):
        next(found)
