"""Bands: an exact network gives the same in them as at once, and none is made of what cannot be cut."""

import numpy as np
import pytest

from conftest import textured
from trellic.codec.analysis import analyse
from trellic.codec.decoder import decode_latents
from trellic.codec.encoder import encode_latents
from trellic.model import bands
from trellic.model.bands import Reach, reach_of
from trellic.model.graph import Graph, Operation


def conv(side: int, pads: int, stride: int = 1, dilation: int = 1) -> Operation:
    attributes = {
        "kernel_shape": [side, side], "pads": [pads] * 4, "strides": [stride] * 2, "dilations": [dilation] * 2,
    }  # fmt: skip
    return Operation("Conv", ("a", "weights"), ("b",), attributes)


def network(*operations: Operation, outputs: tuple[str, ...] = ("b",)) -> Graph:
    return Graph(("a", "quality"), outputs, operations, {}, {})


@pytest.mark.parametrize(
    ("operations", "reach"),
    [
        ([conv(3, 1)], Reach(1, 1)),
        ([conv(5, 4, dilation=2)], Reach(1, 4)),
        ([Operation("DepthToSpace", ("a",), ("b",), {"blocksize": 2})], Reach(2, 0)),
        ([Operation("Mul", ("quality", "weights"), ("c",), {}), Operation("Add", ("a", "c"), ("b",), {})], Reach(1, 0)),
        ([conv(3, 0)], None),
        ([conv(2, 0)], None),
        ([conv(3, 1, stride=2)], None),
        ([Operation("Concat", ("a", "a"), ("b",), {"axis": 2})], None),
        ([Operation("Pad", ("a", "amounts"), ("b",), {})], None),
        ([Operation("DepthToSpace", ("a",), ("c",), {"blocksize": 2}), Operation("Add", ("a", "c"), ("b",), {})], None),
    ],
)
def test_a_reach_is_known_where_sizes_are_kept_or_multiplied(operations, reach):
    assert reach_of(network(*operations), {"a"}) == reach


def test_what_follows_an_enlargement_reaches_less_far():
    larger = Operation("DepthToSpace", ("x",), ("a",), {"blocksize": 4})
    assert reach_of(Graph(("x",), ("b",), (larger, conv(5, 2)), {}, {}), {"x"}) == Reach(4, 1)


@pytest.mark.parametrize(("height", "width"), [(192, 640), (640, 192)])
def test_latents_are_the_same_in_bands(height, width, codec, monkeypatch):
    sessions, counts = codec.sessions, []
    coded = encode_latents(sessions, analyse(sessions, textured(height, width), 12800), codec.deployed)

    def decoded() -> np.ndarray:
        step = codec.deployed.step_at(12800)
        return decode_latents(sessions, coded.data, height, width, 12800, codec.deployed, step)["y"]

    whole = decoded()
    run = type(sessions).run
    monkeypatch.setattr(type(sessions), "run", lambda *arguments: counts.append(1) or run(*arguments))
    monkeypatch.setattr(bands, "LARGE", 100)
    monkeypatch.setattr(bands, "BAND", 70)
    assert np.array_equal(decoded(), whole)
    assert len(counts) > 3 * len(codec.model.schedule.entropy_graphs)


def test_networks_that_are_not_exact_are_run_at_once(codec, monkeypatch):
    monkeypatch.setattr(bands, "LARGE", 1)
    monkeypatch.setattr(bands, "BAND", 16)
    monkeypatch.setattr(type(codec.model), "is_exact", False)
    graph = codec.model.schedule.entropy_graphs[1]
    shapes = []
    monkeypatch.setattr(type(codec.sessions), "run", lambda self, name, arrays: shapes.append(arrays[0].shape) or [])
    bands.run_in_bands(codec.sessions, graph, [np.zeros((192, 8, 9), np.float32)])
    assert shapes == [(192, 8, 9)]
