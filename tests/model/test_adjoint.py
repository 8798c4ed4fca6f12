"""The gradient that is derived from a network is the network's: ⟨J v, u⟩ = ⟨v, Jᵀ u⟩."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from conftest import GOLDEN
from trellic.errors import DamagedModel
from trellic.model import Model, Sessions
from trellic.model.adjoint import adjoint_of, gradient_of
from trellic.model.graph import Graph, Operation
from trellic.model.model import GRADIENT

ONE = np.ones((1, 1, 1, 1), np.float32)


def differences(run, inputs, target_like, seed=0):
    """Return ⟨J v, u⟩ by differences, and ⟨v, Jᵀ u⟩, of `run`: (input, target) → (gradient, output)."""
    random = np.random.default_rng(seed)
    u, v = (random.normal(size=like.shape).astype(np.float32) for like in (target_like, inputs))
    small = np.float32(0.01)
    ahead, behind = (run(inputs + sign * small * v, target_like)[1].astype(np.float64) for sign in (1, -1))
    gradient, _ = run(inputs, run(inputs, target_like)[1] - u)
    return float(((ahead - behind) / (2 * small) * u).sum()), float((v * gradient).sum(dtype=np.float64))


def test_the_gradient_of_a_synthesis_is_adjoint_to_it():
    model = Model.read(GOLDEN / "golden.trm")
    sessions, quality = Sessions(model, 1), np.full((1, 1, 1), 0.4, np.float32)
    latents = np.random.default_rng(1).normal(size=(model.latents, 4, 8)).astype(np.float32)
    weights = np.ones((1, 64, 128), np.float32)

    def run(latents, target):
        return sessions.run(GRADIENT, [latents, quality, target, weights])

    forward, reverse = differences(run, latents, np.zeros((3, 64, 128), np.float32))
    assert forward == pytest.approx(reverse, rel=0.02)


def convolution(width: int, groups: int, pads: list[int]) -> dict:
    return {"kernel_shape": [3, 3], "group": groups, "pads": pads, "strides": [1, 1], "dilations": [1, 1]}


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolutions_gates_and_continued_edges_are_adjoint(groups):
    random = np.random.default_rng(2)
    pads = np.array([0, 0, 1, 2, 0, 0, 2, 1], np.int64)
    graph = Graph(
        ("x", "quality"),
        ("out",),
        (
            Operation("Pad", ("x", "pads"), ("wide",), {"mode": "edge"}),
            Operation("Conv", ("wide", "w"), ("c",), convolution(8, groups, [1, 0, 1, 2])),
            Operation("Split", ("c",), ("a", "b"), {"axis": 1, "num_outputs": 2}),
            Operation("Mul", ("a", "b"), ("gated",), {}),
            Operation("Sub", ("quality", "gated"), ("less",), {}),
            Operation("Round", ("less",), ("out",), {}),
        ),
        {"w": "weight"},
        {"pads": pads},
    )
    arrays = {"weight": random.normal(size=(8, 4 // groups, 3, 3)).astype(np.float32)}
    derived, weights = gradient_of(graph, arrays)
    session = onnxruntime.InferenceSession(derived.to_onnx(weights), providers=["CPUExecutionProvider"])

    def run(x, target):
        return session.run(None, dict(zip(derived.inputs, (x, ONE, target, ONE), strict=True)))

    x = random.normal(size=(1, 4, 6, 7)).astype(np.float32)
    forward, reverse = differences(run, x, np.zeros((1, 4, 9, 10), np.float32))
    assert forward == pytest.approx(reverse, rel=1e-3)


@pytest.mark.parametrize("by", [(0,), (1,), (0, 1), (2,)])
def test_networks_of_several_inputs_and_outputs_are_adjoint(by):
    """Joined channels are parted again, divided values divided; what rounds counts as if it did not."""
    random = np.random.default_rng(3)
    graph = Graph(
        ("a", "b", "c"),
        ("out", "shared"),
        (
            Operation("Div", ("b", "two"), ("half",), {}),
            Operation("Concat", ("a", "half", "c"), ("joined",), {"axis": 1}),
            Operation("Round", ("joined",), ("rounded",), {}),
            Operation("Conv", ("rounded", "w"), ("shared",), convolution(4, 1, [1, 1, 1, 1])),
            Operation("Mul", ("shared", "shared"), ("out",), {}),
        ),
        {"w": "weight"},
        {"two": np.array(2.0, np.float32)},
    )
    arrays = {"weight": random.normal(size=(4, 6, 3, 3)).astype(np.float32)}
    derived, weights = adjoint_of(graph, arrays, by)
    plain = replace(graph, operations=tuple(replace(one, kind="Neg") if one.kind == "Round" else one
                                            for one in graph.operations))  # fmt: skip
    assert derived.inputs[:3] == graph.inputs
    adjoint, forward = (
        onnxruntime.InferenceSession(one.to_onnx(known), providers=["CPUExecutionProvider"])
        for one, known in ((derived, weights), (plain, arrays))
    )
    sizes = {"a": 1, "b": 2, "c": 3}
    values = {name: random.integers(-3, 4, (1, size, 5, 6)).astype(np.float32) * 2 for name, size in sizes.items()}
    moved = {name: random.normal(size=one.shape).astype(np.float32) for name, one in values.items()}
    chosen = [name for number, name in enumerate(graph.inputs) if number in by]
    given = [random.normal(size=(1, 4, 5, 6)).astype(np.float32) for _ in graph.outputs]

    def run(sign):  # of the negated graph, which is the same as a function of negated inputs
        shifted = {name: -(one + sign * 0.01 * moved[name] * (name in chosen)) for name, one in values.items()}
        return forward.run(None, {name: one.astype(np.float32) for name, one in shifted.items()})

    ahead, behind = run(1), run(-1)
    changes = [(one.astype(np.float64) - other) / 0.02 for one, other in zip(ahead, behind, strict=True)]
    found = adjoint.run(None, dict(zip(derived.inputs, (*values.values(), *given), strict=True)))
    assert len(found) == len(by)
    along = sum(float((moved[name] * one).sum()) for name, one in zip(chosen, found, strict=True))
    assert along == pytest.approx(sum(float((u * one).sum()) for u, one in zip(given, changes, strict=True)), rel=1e-3)


def test_an_input_that_nothing_depends_on_is_reported():
    graph = Graph(("a", "b"), ("out",), (Operation("Neg", ("b",), ("out",), {}),), {}, {})
    with pytest.raises(ValueError, match="no output depends on a"):
        adjoint_of(graph, {}, (0,))


def test_an_adjoint_of_too_many_operations_is_refused():
    names = tuple(f"x{number}" for number in range(400))
    graph = Graph(names, ("out",), (Operation("Concat", names, ("out",), {"axis": 1}),), {}, {})
    with pytest.raises(ValueError, match="too many operations"):
        adjoint_of(graph, {}, range(400))


def test_what_is_clipped_has_no_gradient():
    bounds = {"low": np.array(0.0, np.float32), "high": np.array(255.0, np.float32)}
    graph = Graph(("x",), ("out",), (Operation("Clip", ("x", "low", "high"), ("out",), {}),), {}, bounds)
    derived, weights = gradient_of(graph, {})
    session = onnxruntime.InferenceSession(derived.to_onnx(weights), providers=["CPUExecutionProvider"])
    x = np.array([-9, 10, 200, 300], np.float32).reshape(1, 1, 1, 4)
    gradient, shown = session.run(None, dict(zip(derived.inputs, (x, np.full_like(x, 100), ONE), strict=True)))
    assert shown.ravel().tolist() == [0, 10, 200, 255]
    assert gradient.ravel().tolist() == [0, -90, 100, 0]


def test_weights_of_errors_scale_the_gradient():
    model = Model.read(GOLDEN / "golden.trm")
    latents, target = np.ones((model.latents, 4, 4), np.float32), np.zeros((3, 64, 64), np.float32)
    quality = np.full((1, 1, 1), 0.4, np.float32)
    one, three = (
        Sessions(model, 1).run(GRADIENT, [latents, quality, target, np.full((1, 64, 64), weight, np.float32)])[0]
        for weight in (1, 3)
    )
    np.testing.assert_allclose(three, 3 * one, rtol=1e-3, atol=1e-2)


def test_a_synthesis_with_an_unknown_operation_has_no_gradient():
    model = Model.read(GOLDEN / "golden.trm")
    graph = model.network("synthesis")[0]
    strange = tuple(replace(one, kind="Sqrt") if one.kind == "LeakyRelu" else one for one in graph.operations)
    decoder = {**model.file.graphs["decoder"], "synthesis": replace(graph, operations=strange)}
    halves = {**model.file.graphs, "decoder": decoder}
    changed = Model.of(replace(model.file, graphs=halves))
    assert changed.gradient is None
    with pytest.raises(DamagedModel, match="network gradient is missing"):
        changed.network(GRADIENT)


def test_networks_that_predict_have_adjoints_or_none_has():
    model = Model.read(GOLDEN / "golden.trm")
    assert set(model.adjoints) == {"first_1", "second_0", "second_1"}
    graph = model.network("second_1")[0]
    strange = tuple(replace(one, kind="Sqrt") if one.kind == "LeakyRelu" else one for one in graph.operations)
    decoder = {**model.file.graphs["decoder"], "second_1": replace(graph, operations=strange)}
    assert Model.of(replace(model.file, graphs={**model.file.graphs, "decoder": decoder})).adjoints == {}


@pytest.mark.parametrize("name", ["adjoint of nosuch", "adjoint of adjoint of second_0", "nosuch"])
def test_a_network_that_is_not_there_is_reported(name):
    with pytest.raises(DamagedModel, match=f"network {name} is missing"):
        Model.read(GOLDEN / "golden.trm").network(name)
