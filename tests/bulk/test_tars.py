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


def packed(path, count=4):
    with tarfile.open(path, "w") as tar:
        for number in range(count):
            member = tarfile.TarInfo(f"{number}.png")
            member.size = 1000
            tar.addfile(member, io.BytesIO(bytes(1000)))
    return path.read_bytes()


MEMBER = 512 + 1024


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: 2 * MEMBER],
        lambda data: data[: 2 * MEMBER + 100],
        lambda data: data[: 2 * MEMBER + 5] + bytes([data[2 * MEMBER + 5] ^ 1]) + data[2 * MEMBER + 6 :],
    ],
    ids=["cut between members", "cut in a header", "a bit of a header"],
)
def test_what_is_cut_off_or_damaged_between_members_is_an_error(tmp_path, damage):
    path = tmp_path / "a.tar"
    path.write_bytes(damage(packed(path)))
    with pytest.raises(UnreadablePicture, match="cannot be read as a tar"):
        list(TarReader(path))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_hard_link_is_the_file_that_it_names(tmp_path, mode):
    with tarfile.open(tmp_path / "a.tar", mode) as tar:
        member = tarfile.TarInfo("a.png")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"bytes"))
        for name, target in (("b.png", "a.png"), ("c.png", "b.png")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.LNKTYPE, target
            tar.addfile(link)
    assert list(TarReader(tmp_path / "a.tar")) == [("a.png", b"bytes"), ("b.png", b"bytes"), ("c.png", b"bytes")]


def test_a_hard_link_to_nothing_is_an_error(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        link = tarfile.TarInfo("b.png")
        link.type, link.linkname = tarfile.LNKTYPE, "nowhere.png"
        tar.addfile(link)
    with pytest.raises(UnreadablePicture, match="nowhere"):
        list(TarReader(tmp_path / "a.tar"))
