"""Storage: folders and URLs look alike, nothing is half written or lost, and only storage is tried again."""

import resource
from functools import partial

import pytest

from trellic import remote
from trellic.bulk.storage import Entry, deliver, listed, near, store_of
from trellic.errors import FileExists, NoPictures, StorageFailed
from trellic.files import SCRATCH
from trellic.remote import retried

PNG = frozenset({".png"})


def every(entry):
    """Want each file."""
    return True


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request, tmp_path):
    """A folder, and URLs to keep files at."""
    if request.param == "folder":
        return str(tmp_path / "store")
    if request.param == "s3":
        return f"{request.getfixturevalue('s3')}/{tmp_path.name}"
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").store.clear()
    return "memory://store"


@pytest.fixture
def file(tmp_path):
    """What makes a file of these bytes, to be delivered once."""
    return partial(file_of, tmp_path)


def file_of(folder, data=b"bytes"):
    path = folder / "file"
    path.write_bytes(data)
    return path


def test_what_was_delivered_is_listed_with_size_and_tag_and_comes_back(place, file, tmp_path):
    deliver(file(), f"{place}/deep/a.png", force=False)
    deliver(file(), f"{place}/b.txt", force=False)
    (entry,) = listed([place], PNG, every)
    assert (entry.below, entry.size) == ("deep/a.png", 5)
    assert entry.tag
    fetched = store_of(place).fetch(entry.root + entry.below, tmp_path / "spare")
    assert fetched.read_bytes() == b"bytes"


def test_what_a_killed_run_left_in_its_folder_for_temporary_files_is_no_picture(tmp_path):
    for name in ("a.png", f"{SCRATCH}left/b.png"):
        deliver(file_of(tmp_path), f"{tmp_path}/in/{name}", force=False)
    assert [entry.below for entry in listed([f"{tmp_path}/in"], PNG, every)] == ["a.png"]


def test_a_single_file_is_listed_below_its_folder(place, file):
    deliver(file(), f"{place}/deep/a.png", force=False)
    (entry,) = listed([f"{place}/deep/a.png"], PNG, every)
    assert entry.below == "a.png"
    assert store_of(place).read(entry.root + entry.below) == b"bytes"


def test_a_file_that_two_inputs_name_is_listed_once(place, file):
    deliver(file(), f"{place}/a.png", force=False)
    assert len(listed([place, place], PNG, every)) == 1


def test_a_file_that_a_folder_above_has_too_is_listed_once_as_the_first_has_it(place, file):
    deliver(file(), f"{place}/deep/a.png", force=False)
    (entry,) = listed([place, f"{place}/deep"], PNG, every)
    assert entry.below == "deep/a.png"


def test_a_place_without_pictures_is_an_error(place):
    with pytest.raises((NoPictures, FileNotFoundError)):
        listed([place], PNG, every)


def test_the_same_bytes_again_are_no_conflict_and_others_are(place, file):
    deliver(file(), f"{place}/a.png", force=False)
    deliver(file(), f"{place}/a.png", force=False)
    with pytest.raises(FileExists, match="--force"):
        deliver(file(b"others"), f"{place}/a.png", force=False)
    assert store_of(place).read(f"{place}/a.png") == b"bytes"
    deliver(file(b"others"), f"{place}/a.png", force=True)
    assert store_of(place).read(f"{place}/a.png") == b"others"


def failing(times, error):
    """Return a function that raises so many times, and then returns its number of calls."""
    calls = []

    def work():
        calls.append(error)
        if len(calls) <= times:
            raise error
        return len(calls)

    return work


def test_storage_that_fails_for_a_while_is_tried_again(monkeypatch):
    monkeypatch.setattr(remote.time, "sleep", lambda seconds: None)
    assert retried(failing(2, TimeoutError())) == (3, 3)


def test_storage_that_keeps_failing_is_an_error_of_one_line(monkeypatch):
    monkeypatch.setattr(remote.time, "sleep", lambda seconds: None)
    with pytest.raises(StorageFailed, match="TimeoutError after 6 tries"):
        retried(failing(99, TimeoutError()))


def test_what_a_store_cannot_do_is_an_error_at_once():
    with pytest.raises(StorageFailed, match="NotImplementedError"):
        retried(failing(1, NotImplementedError()))


@pytest.mark.parametrize("error", [FileNotFoundError(), PermissionError(), MemoryError(), NoPictures()])
def test_what_another_try_would_not_change_is_not_tried_again(error):
    with pytest.raises(type(error)):
        retried(failing(1, error))


@pytest.mark.parametrize(
    ("url", "path"),
    [("file:///a/b/", "/a/b"), ("s3://bucket/", "s3://bucket"), ("out//", "out"), ("/", "/"), ("s3://", "s3://")],
)
def test_slashes_at_the_end_name_nothing(url, path):
    assert near(url) == path


def test_lines_that_find_no_room_are_an_error_and_leave_nothing_behind(tmp_path):
    path, (soft, hard) = str(tmp_path / "lines"), resource.getrlimit(resource.RLIMIT_FSIZE)
    store_of(path).append(path, b"first\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))  # bytes of a file: a write is short, as on a full disk
    try:
        with pytest.raises(OSError, match="No space"):
            store_of(path).append(path, b"second\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store_of(path).append(path, b"second\n")
    assert (tmp_path / "lines").read_bytes() == b"first\nsecond\n"


def test_entries_sort_by_place():
    first, second = Entry("a/", "b", 9, ""), Entry("a/", "c", 1, "")
    assert sorted([second, first]) == [first, second]
