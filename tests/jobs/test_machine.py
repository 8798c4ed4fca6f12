"""Tables of features as files, and how alike vectors are."""

import io

import numpy as np
import pytest

from machines import random_networks
from trellic.codec import Codec
from trellic.errors import BadRequest, NoPictures
from trellic.jobs.machine import Table, labelled_files, likeness
from trellic.model.archive import pack_entries, unpack_entries

NETWORKS = random_networks()
TABLE = Table(["a", "b"], np.eye(2, 512, dtype=np.float32), NETWORKS.sha256.hex())


def packed(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def with_vectors(data: bytes) -> bytes:
    """Return a table whose vectors are other bytes."""
    entries = unpack_entries(packed(names=np.array(["a"]), features="x"), 1 << 20, "")
    return pack_entries(entries | {"vectors.npy": data})


def header(text: bytes) -> bytes:
    """Return an array that is a header alone."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def test_a_table_survives_a_file(tmp_path):
    TABLE.write(tmp_path / "x.npz", replace=False)
    read = Table.read(tmp_path / "x.npz")
    assert (read.names, read.features) == (TABLE.names, TABLE.features)
    assert np.array_equal(read.vectors, TABLE.vectors)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packed(names=np.array(["a"])),
        packed(names=np.array(["a"]), vectors=np.zeros((2, 512), np.float32), features="x"),
        packed(names=np.array(["a"], object), vectors=np.zeros((1, 512), np.float32), features="x"),
        packed(names=np.array(["a"]), vectors=np.zeros((1, 512)), features="x"),
        packed(names=np.array(["a"]), vectors=np.full((1, 512), np.nan, np.float32), features="x"),
        packed(names=np.array([["a"]]), vectors=np.zeros((1, 512), np.float32), features="x"),
        packed(names=np.array(["a"]), vectors=np.zeros((1, 512), np.float32), features="x\ny"),
        with_vectors(b""),
        with_vectors(packed()),
        with_vectors(header(b"{((")),
        with_vectors(header(b" " * 20_000)),
        with_vectors(header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 512)}")),
    ],
    ids=[
        "empty",
        "no_vectors",
        "too_few_names",
        "pickled",
        "doubles",
        "nan",
        "names_in_rows",
        "two_lines",
        "no_array",
        "an_archive_inside",
        "no_header",
        "a_long_header",
        "a_huge_array",
    ],
)
def test_a_table_of_something_else_is_one_clear_error(tmp_path, data):
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(BadRequest) as error:
        Table.read(tmp_path / "x.npz")
    assert len(str(error.value).splitlines()) == 1


def test_a_table_of_other_features_is_refused_by_name():
    TABLE.check_networks(NETWORKS)
    with pytest.raises(BadRequest, match=TABLE.features[:16]):
        TABLE.check_networks(random_networks(seed=1))


def test_likeness_is_the_cosine():
    vectors = np.float32([[2, 0], [0, 3], [-1, 0], [1, 1], [0, 0]])
    assert np.allclose(likeness(vectors, np.float32([5, 0])), [1, 0, -1, 0.5**0.5, 0])


def test_a_folder_needs_two_classes(tmp_path):
    (tmp_path / "one").mkdir()
    with pytest.raises(NoPictures):
        labelled_files(tmp_path, Codec(threads=1))
