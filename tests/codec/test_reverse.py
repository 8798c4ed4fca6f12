"""A gradient through predictions says how a picture changes, where latents that are means follow them."""

from types import SimpleNamespace

import numpy as np
import pytest

from trellic.codec.analysis import analyse
from trellic.codec.coding import run, scalar
from trellic.codec.encoder import encode_latents
from trellic.codec.reverse import Followed, through_predictions
from trellic.codec.ring import NO_RING, arrays_of, edges_of, ring_of
from trellic.container.grid import Beside
from trellic.errors import DamagedModel
from trellic.model.model import ADJOINT
from trellic.model.schedule import ALL, ANCHORS, NON_ANCHORS, Code, Run

QUALITY = 10 * 256


@pytest.fixture(scope="module")
def decoded(codec, photograph):
    """The variables of a detail of a photograph; many latents are means."""
    analysed = analyse(codec.sessions, photograph.pixels[100:228, 300:492], QUALITY)
    return encode_latents(codec.sessions, analysed, codec.deployed).decoded


def first_pass(codec):
    return next(step for step in codec.model.schedule.passes if step.variable == "y")


def shifted(codec, decoded, ring, shift):
    """Return y where the first pass is shifted, and latents of others that were means are the means that follow."""
    empty = {name: np.zeros_like(one) for name, one in decoded.items()}
    values = arrays_of(codec.model, ring, quality=scalar(QUALITY / 25600), **empty)
    means = iter(Followed(codec.sessions, decoded, QUALITY, ring).means)
    first = first_pass(codec)

    def put(step):
        wanted, stays, planes = decoded[step.variable][step.channels], next(means), values.by_name[step.variable]
        if step is first:
            wanted = wanted + shift
        elif step.mean:
            wanted = np.where(stays, values.by_name[step.mean], wanted)
        pattern = np.array([[cell == "1" for cell in row] for row in step.mask])
        height, width = planes.shape[1:]
        chosen = np.tile(pattern, (height, width))[:height, :width]
        planes[step.channels][:, chosen] = wanted[:, chosen]
        values.coded(step)

    run(codec.model.schedule.code, codec.sessions.run, values, put)
    return values.by_name["y"]


@pytest.mark.parametrize("sides", [(), ("left", "top"), ("right", "bottom")])
def test_it_says_how_all_latents_change_with_those_of_the_first_pass(codec, decoded, sides):
    """Of a whole picture, and of a block with neighbours on some sides: here, itself."""
    edges = edges_of(decoded)
    ring = ring_of(NO_RING._replace(**dict.fromkeys(sides, edges))) if sides else None
    random, first = np.random.default_rng(0), first_pass(codec)
    weights = random.normal(size=decoded["y"].shape).astype(np.float32)
    total = through_predictions(codec.sessions, decoded, QUALITY, ring, weights)[first.channels]
    anchors = np.indices(total.shape[1:]).sum(axis=0) % 2 == 0
    direction = np.where(anchors, total, 0) / np.abs(total).max()
    shift = np.float32(0.5) * direction
    ahead, behind = (shifted(codec, decoded, ring, sign * shift).astype(np.float64) for sign in (1, -1))
    change = float((weights * (ahead - behind)).sum())
    assert change == pytest.approx(2 * float((total * shift).sum()), rel=0.1)
    alone = 2 * float((weights[first.channels] * shift).sum())
    assert abs(change - alone) > 0.1 * change  # what follows is a good part of it


def test_what_is_coded_last_counts_for_itself_alone(codec, decoded):
    weights = np.ones_like(decoded["y"])
    total = through_predictions(codec.sessions, decoded, QUALITY, None, weights)
    before, last = codec.model.schedule.groups[-2:]
    others = np.indices(total.shape[1:]).sum(axis=0) % 2 == 1
    assert np.array_equal(total[last.channels][:, others], weights[last.channels][:, others])
    assert not np.array_equal(total[last.channels], weights[last.channels])
    assert not np.array_equal(total[before.channels], weights[before.channels])


def test_latents_that_are_no_means_hand_nothing_on(codec, decoded):
    """Moved far away, none is its mean any more."""
    moved = {**decoded, "y": decoded["y"] + np.float32(300)}
    weights = np.ones_like(decoded["y"])
    assert np.array_equal(through_predictions(codec.sessions, moved, QUALITY, None, weights), weights)


def test_a_block_sees_its_ring(codec, decoded):
    """What lies around a block changes what it predicts."""
    edges = edges_of(decoded)
    ring = ring_of(Beside(edges, None, edges, None))
    weights = np.random.default_rng(1).normal(size=decoded["y"].shape).astype(np.float32)
    plain, alone, ringed = (
        through_predictions(codec.sessions, decoded, QUALITY, one, weights) for one in (None, NO_RING, ring)
    )
    assert np.array_equal(plain, alone)
    assert not np.array_equal(plain, ringed)


class Doubling:
    """One network, which doubles the first two channels of y, and a schedule of whose passes two have its mean."""

    def __init__(self, adjoint_shape=(2, 2, 2)):
        steps = (
            Code("y", 0, 2, ALL, "", "log_scale"),
            Run("net", ("y[0:2]",), ("mean",)),
            Code("y", 2, 4, ANCHORS, "mean", "log_scale"),
            Code("y", 2, 4, NON_ANCHORS, "mean", "log_scale"),
        )
        self.model = SimpleNamespace(name="doubling", schedule=SimpleNamespace(code=steps, predictors={"net": (0,)}))
        self.adjoint_shape = adjoint_shape

    def run(self, name, inputs):
        return [np.resize(2 * inputs[1], self.adjoint_shape) if name == ADJOINT + "net" else 2 * inputs[0]]


def test_all_passes_that_are_predicted_alike_count():
    y = np.stack([np.full((2, 2), value, np.float32) for value in (1, 2, 2, 4)])
    weights = np.random.default_rng(0).normal(size=y.shape).astype(np.float32)
    total = through_predictions(Doubling(), {"y": y}, QUALITY, None, weights)
    assert np.array_equal(total, np.concatenate([weights[:2] + 2 * weights[2:], weights[2:]]))


def test_an_adjoint_of_another_shape_is_reported():
    y = np.ones((4, 2, 2), np.float32)
    with pytest.raises(DamagedModel, match="adjoint of net"):
        through_predictions(Doubling((2, 1, 1)), {"y": y}, QUALITY, None, y)
