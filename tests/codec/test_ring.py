"""Rings: graphs see of neighbours what is decoded by then, passes see the block alone."""

import numpy as np
import pytest

from conftest import GOLDEN
from trellic.codec.ring import NO_RING, RingedArrays, edges_of, ring_of
from trellic.container.grid import Beside
from trellic.errors import DamagedModel
from trellic.model import Model
from trellic.model.schedule import ALL, ANCHORS, Code

MODEL = Model.read(GOLDEN / "golden.trm")
RANDOM = np.random.default_rng(0)


def variables(value: float | None = None) -> dict[str, np.ndarray]:
    """Return decoded variables of a block of 128 pixels."""
    shapes = {"z": (4, 2, 2), "y": (12, 8, 8)}
    drawn = {name: RANDOM.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return drawn if value is None else {name: np.full_like(one, value) for name, one in drawn.items()}


@pytest.fixture
def beside():
    """Variables of the neighbours at the left and below; there are no others."""
    return Beside(variables(), None, None, variables())


@pytest.fixture
def arrays(beside):
    ring = ring_of(Beside(*(one and edges_of(one) for one in beside)))
    return RingedArrays(MODEL, ring, **variables(0))


def test_a_pass_shows_the_ring_at_its_positions(arrays, beside):
    assert arrays.read("y[0:4]").shape == (4, 9, 9)
    assert not arrays.read("y").any()
    arrays.coded(Code("y", 0, 4, ANCHORS, "", ""))
    seen = arrays.read("y").copy()
    assert not seen[4:].any()
    assert np.array_equal(seen[:4, 1:8:2, 0], beside.left["y"][:4, 1::2, -1])
    assert np.array_equal(seen[:4, 8, 1::2], beside.bottom["y"][:4, 0, ::2])
    assert not seen[:, ::2, 0].any()
    assert not seen[:, 8, ::2].any()
    arrays.coded(Code("y", 0, 12, ALL, "", ""))
    whole = np.zeros((12, 9, 9), np.float32)
    whole[:, :8, 0], whole[:, 8, 1:] = beside.left["y"][:, :, -1], beside.bottom["y"][:, 0]
    assert np.array_equal(arrays.read("y"), whole)


def test_a_pass_is_decoded_into_the_block_alone(arrays):
    arrays.by_name["y"][:] = 1
    assert np.array_equal(arrays.read("y"), np.pad(np.ones((12, 8, 8)), ((0, 0), (0, 1), (1, 0))))


def test_what_a_graph_writes_keeps_a_ring_of_one_position(arrays):
    """Features of z and its ring, four positions of y wide."""
    features = RANDOM.normal(size=(3, 12, 12)).astype(np.float32)
    arrays.write("features", features)
    assert np.array_equal(arrays.read("features"), features[:, :9, 3:])
    assert np.array_equal(arrays.by_name["features"], features[:, :8, 4:])
    arrays.write("mean", features[:, :9, 3:])
    assert np.array_equal(arrays.by_name["mean"], features[:, :8, 4:])


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 9), (3, 2, 2)])
def test_a_graph_that_gives_no_ring_is_refused(arrays, shape):
    with pytest.raises(DamagedModel, match="which no ring fits"):
        arrays.write("features", np.zeros(shape, np.float32))


def test_without_neighbours_planes_are_the_blocks_own():
    arrays = RingedArrays(MODEL, NO_RING, **variables(0))
    features = RANDOM.normal(size=(3, 8, 8)).astype(np.float32)
    arrays.write("features", features)
    assert np.array_equal(arrays.read("features"), features)
    with pytest.raises(DamagedModel, match="which no ring fits"):
        arrays.write("features", features[:, :, :7])
