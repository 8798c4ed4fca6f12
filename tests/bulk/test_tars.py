"""Tars are read member by member, in bounded memory."""

import io
import tarfile

import numpy as np
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


def linked(path, *links, mode="w", last=0):
    """Write a tar of a.png, links by type, name and target, and big.png of so many bytes."""
    with tarfile.open(path, mode) as tar:
        for name, data in (("a.png", b"bytes"), *links, ("big.png", bytes(last))):
            member = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
            else:
                member.type, member.linkname = data
                tar.addfile(member)
    return path


HARD, SOFT = tarfile.LNKTYPE, tarfile.SYMTYPE


def test_a_hard_link_is_the_file_that_it_names(tmp_path):
    path = linked(tmp_path / "a.tar", ("b.png", (HARD, "a.png")), ("c.png", (HARD, "b.png")))
    assert list(TarReader(path))[:3] == [("a.png", b"bytes"), ("b.png", b"bytes"), ("c.png", b"bytes")]


@pytest.mark.parametrize(
    "links",
    [
        [("b.png", (HARD, "nowhere.png"))],
        [("b.png", (HARD, "b.png"))],
        [("s.png", (SOFT, "s.png")), ("b.png", (HARD, "s.png"))],
        [("s.png", (SOFT, "big.png")), ("b.png", (HARD, "s.png"))],  # which may be too large
    ],
)
def test_a_hard_link_to_what_does_not_come_before_is_an_error(tmp_path, links):
    with pytest.raises(UnreadablePicture, match=r"b\.png in it is a link"):
        list(TarReader(linked(tmp_path / "a.tar", *links, last=5000)))


def test_many_hard_links_are_read_one_after_the_other(tmp_path):
    path = linked(tmp_path / "a.tar", *((f"{number}.png", (HARD, "a.png")) for number in range(3000)))
    assert len(list(TarReader(path))) == 3002


def test_a_hard_link_in_a_compressed_tar_is_an_error(tmp_path):
    path = linked(tmp_path / "a.tar", ("b.png", (HARD, "a.png")), mode="w:gz")
    with pytest.raises(UnreadablePicture, match=r"b\.png in it is a link"):
        list(TarReader(path))


@pytest.mark.parametrize("data", [b"", b"hello" * 1000, b"BZh91AY" + bytes(5000)])
def test_what_is_no_tar_is_an_error_of_one_line(tmp_path, data):
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(UnreadablePicture, match="cannot be read as a tar") as caught:
        list(TarReader(tmp_path / "a.tar"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_damage_in_a_compressed_tar_is_an_error(tmp_path, mode):
    path = tmp_path / "a.tar"
    data = np.random.default_rng(0).bytes(300_000)
    with tarfile.open(path, mode) as tar:
        member = tarfile.TarInfo("a.png")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 16
    path.write_bytes(damaged[: len(damaged) - 2000])
    with pytest.raises(UnreadablePicture, match="cannot be read as a tar"):
        list(TarReader(path))
