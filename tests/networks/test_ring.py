"""Rings in training are those of the codec: the same planes are seen, and gradients reach the block."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import GOLDEN  # noqa: E402
from trellic.codec.ring import RingedArrays, edges_of, ring_of  # noqa: E402
from trellic.container.grid import Beside  # noqa: E402
from trellic.model import Model  # noqa: E402
from trellic.model.schedule import ALL, NON_ANCHORS, Code  # noqa: E402
from trellic.networks.ring import RingedTensors, ring_in  # noqa: E402

MODEL = Model.read(GOLDEN / "golden.trm")
STRIDES = {"z": 64, "y": 16}
SIDES = (Beside(True, True, True, True), Beside(False, True, False, False), Beside(False, False, False, False))


def whole() -> dict[str, np.ndarray]:
    """Return variables of a crop of 256 pixels, a block of 128 in its middle."""
    random = np.random.default_rng(0)
    return {"z": random.normal(size=(4, 4, 4)).astype("f4"), "y": random.normal(size=(12, 16, 16)).astype("f4")}


def cut(planes: dict[str, np.ndarray], rows: slice, columns: slice) -> dict[str, np.ndarray]:
    """Return a part, in units of 64 pixels."""

    def part(units: slice, name: str) -> slice:
        return slice(units.start * 64 // STRIDES[name], units.stop * 64 // STRIDES[name])

    return {name: one[:, part(rows, name), part(columns, name)] for name, one in planes.items()}


@pytest.mark.parametrize("sides", SIDES)
def test_a_batch_sees_what_a_block_sees(sides):
    planes, middle = whole(), slice(1, 3)
    beside = Beside(*(edges_of(cut(planes, *place)) if there else None for place, there in zip(
        ((middle, slice(0, 1)), (slice(0, 1), middle), (middle, slice(3, 4)), (slice(3, 4), middle)), sides, strict=True
    )))  # fmt: skip
    own = cut(planes, middle, middle)
    arrays = RingedArrays(MODEL, ring_of(beside), **{name: one.copy() for name, one in own.items()})
    batch = {name: torch.from_numpy(one)[None] for name, one in planes.items()}
    ring = ring_in(batch, STRIDES, 64, sides)
    tensors = RingedTensors(MODEL.schedule, ring, **{name: torch.from_numpy(one)[None] for name, one in own.items()})
    for step in (None, Code("z", 0, 4, ALL, "", ""), Code("y", 0, 4, NON_ANCHORS, "", "")):
        for values in (arrays, tensors) if step else ():
            values.coded(step)
        for reference in ("z", "y", "y[2:9]"):
            assert np.array_equal(tensors.read(reference)[0].numpy(), arrays.read(reference))
    tall, wide = 8 + 4 * (sides.top + sides.bottom), 8 + 4 * (sides.left + sides.right)
    features = np.random.default_rng(1).normal(size=(3, tall, wide)).astype("f4")
    arrays.write("features", features)
    tensors.write("features", torch.from_numpy(features)[None])
    assert np.array_equal(tensors.read("features")[0].numpy(), arrays.read("features"))
    assert np.array_equal(tensors.by_name["features"][0].numpy(), arrays.by_name["features"])


def test_gradients_reach_the_block_and_not_its_ring():
    planes = {name: torch.from_numpy(one)[None].requires_grad_() for name, one in whole().items()}
    around = {name: one.detach() for name, one in planes.items()}
    own = {"z": planes["z"][:, :, 1:3, 1:3], "y": planes["y"][:, :, 4:12, 4:12]}
    tensors = RingedTensors(MODEL.schedule, ring_in(around, STRIDES, 64, SIDES[0]), **own)
    tensors.coded(Code("y", 0, 12, ALL, "", ""))
    tensors.read("y").square().sum().backward()
    gradient = planes["y"].grad[0]
    assert (gradient[:, 4:12, 4:12] != 0).all()
    assert int((gradient != 0).sum()) == 12 * 64
