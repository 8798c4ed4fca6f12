"""Changes survive packing, whatever their integers, and take about the bits that they are worth."""

import numpy as np
import pytest

from adapters import GOLDEN, random_changes
from trellic.errors import DamagedAdapter
from trellic.model.change import Change, pack_changes, unpack_changes

ARRAYS, TABLES = GOLDEN.file.arrays["decoder"], GOLDEN.gaussian_tables
POINTWISE = next(name for name, values in ARRAYS.items() if values.shape[2:] == (1, 1) and name.endswith("weight"))
BIAS = next(name for name in ARRAYS if name.endswith("bias"))


def of(name: str, integers: np.ndarray, rank: int = 0, exponent: int = -5) -> Change:
    return Change(name, ARRAYS[name].shape, rank, exponent, integers.astype(np.int32))


def same(left: Change, right: Change) -> bool:
    facts = [(one.array, one.shape, one.rank, one.exponent, one.integers.tolist()) for one in (left, right)]
    return facts[0] == facts[1]


def test_changes_are_unpacked_as_they_were():
    changes = sorted(random_changes(GOLDEN)["decoder"], key=lambda change: change.array)
    found = unpack_changes(pack_changes(changes[::-1], ARRAYS, TABLES), ARRAYS, TABLES)
    assert all(same(*pair) for pair in zip(found, changes, strict=True))


@pytest.mark.parametrize("largest", [1, 40, 1 << 20])
@pytest.mark.parametrize("exponent", [-63, 0, 63])
def test_any_integers_survive(largest, exponent):
    size = ARRAYS[BIAS].size
    change = of(BIAS, np.linspace(-largest, largest, size), exponent=exponent)
    (found,) = unpack_changes(pack_changes([change], ARRAYS, TABLES), ARRAYS, TABLES)
    assert same(found, change)


def test_changes_of_zero_take_no_bytes():
    assert pack_changes([of(BIAS, np.zeros(ARRAYS[BIAS].size))], ARRAYS, TABLES) == b""
    assert unpack_changes(b"", ARRAYS, TABLES) == []


def test_a_change_takes_the_bits_of_its_entropy():
    name = max((name for name in ARRAYS if name.endswith("weight")), key=lambda name: ARRAYS[name].size)
    integers = np.rint(np.random.default_rng(0).normal(0, 2, ARRAYS[name].size))
    chances = np.unique(integers, return_counts=True)[1] / integers.size
    entropy = -float((chances * np.log2(chances)).sum()) * integers.size / 8
    assert len(pack_changes([of(name, integers)], ARRAYS, TABLES)) < 1.05 * entropy + 20


def test_the_product_of_the_matrices_is_exact():
    out, inside = ARRAYS[POINTWISE].shape[:2]
    random = np.random.default_rng(0)
    left, right = (random.integers(-(1 << 20), 1 << 20, shape) for shape in ((out, 3), (3, inside)))
    change = of(POINTWISE, np.concatenate([left.ravel(), right.ravel()]), rank=3, exponent=-20)
    assert np.array_equal(change.values()[:, :, 0, 0] * 2.0**20, left @ right)


@pytest.mark.parametrize(("rank", "exponent"), [(17, 0), (1, 64), (1, -64)])
def test_what_cannot_be_read_is_not_written(rank, exponent):
    with pytest.raises(ValueError, match="a change of rank"):
        pack_changes([of(POINTWISE, np.ones(8), rank, exponent)], ARRAYS, TABLES)


def test_bytes_after_the_changes_are_refused():
    packed = pack_changes(random_changes(GOLDEN)["decoder"], ARRAYS, TABLES)
    with pytest.raises(DamagedAdapter, match="does not end"):
        unpack_changes(packed + bytes(4), ARRAYS, TABLES)


@pytest.mark.parametrize(
    "data", [b"\0", b"\x01", b"\xff\xff\xff\xff\x0f", b"\x01\xff\x7f\0\0\x20", b"\x01\0\x11\0\x20", b"\x01\0\0\0\0"]
)
def test_what_is_no_list_of_changes_is_refused(data):
    with pytest.raises(DamagedAdapter):
        unpack_changes(data + bytes(data == b"\0"), ARRAYS, TABLES)
