"""Named arrays as bytes: what comes back, and what a header may not claim."""

import json

import numpy as np
import pytest

from trellic.model.arrays import pack_arrays, unpack_arrays
from trellic.model.eight_bits import EightBits

ARRAYS = {
    "b": np.arange(6, dtype=np.float16).reshape(2, 3),
    "a": np.array([1, 2**31], np.uint32),
    "scalar": np.array(3.5, np.float32),
    "none": np.empty((0, 4), np.int16),
}


def test_arrays_come_back_as_they_were_and_always_pack_alike():
    data = pack_arrays(ARRAYS)
    found = unpack_arrays(data)
    assert set(found) == set(ARRAYS)
    for name, values in ARRAYS.items():
        assert found[name].dtype == values.dtype
        assert np.array_equal(found[name], values)
        assert found[name].flags.writeable
    assert pack_arrays(dict(reversed(ARRAYS.items()))) == data


def test_the_layout_is_that_of_safetensors():
    safetensors = pytest.importorskip("safetensors.numpy")
    found = safetensors.load(pack_arrays(ARRAYS))
    assert all(np.array_equal(found[name], values) for name, values in ARRAYS.items())


def test_rounded_weights_take_a_byte_each_and_come_back():
    rounded = EightBits.rounded(np.random.default_rng(1).normal(size=(8, 50, 1, 1))).values
    plain = {"w": rounded.astype(np.float16)}
    data = pack_arrays({"w": rounded})
    assert len(data) < len(pack_arrays(plain)) - 300
    found = unpack_arrays(data)
    assert set(found) == {"w"}
    assert found["w"].dtype == np.float32
    assert np.array_equal(found["w"], rounded)
    assert pack_arrays(found) == data


@pytest.mark.parametrize(
    "steps", [None, np.ones(3, np.float16), np.ones(2, np.float32)], ids=["missing", "too_many", "of_another_type"]
)
def test_integers_of_eight_bits_need_a_step_a_row(steps):
    stored = {"w": np.ones((2, 4), np.int8)}
    if steps is not None:
        stored["w.steps"] = steps
    with pytest.raises(ValueError, match="array w has no steps"):
        unpack_arrays(pack_arrays(stored))


def claiming(**entry: object) -> bytes:
    values = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **entry}
    header = json.dumps({"x": values}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(8)


def test_arrays_that_name_the_same_bytes_are_refused():
    """A small file would else take any memory."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header = json.dumps({"x": entry, "y": entry}).encode()
    with pytest.raises(ValueError, match="arrays overlap"):
        unpack_arrays(len(header).to_bytes(8, "little") + header + bytes(8))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        (2**40).to_bytes(8, "little") + bytes(100),
        claiming(dtype="BOOL"),
        claiming(shape=[2**40]),
        claiming(shape=[-2]),
        claiming(shape=[2.0]),
        claiming(data_offsets=[0, 2**40]),
        claiming(data_offsets=[-8, 0]),
        claiming(data_offsets=[4, 12]),
        claiming(data_offsets=[0, 4]),
        claiming()[:-1],
        (2).to_bytes(8, "little") + b"[]",
    ],
)
def test_what_a_header_claims_is_checked(data):
    with pytest.raises((ValueError, KeyError, TypeError)):
        unpack_arrays(data)


def test_a_sound_header_is_read():
    assert unpack_arrays(claiming())["x"].tolist() == [0, 0]
