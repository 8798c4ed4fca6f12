"""Networks as plain operations: what onnxruntime makes of them, and what is refused."""

import numpy as np
import pytest

from trellic.model.graph import Graph, Operation

ARRAYS = {"weight": np.array([[[[2.0]]], [[[-1.0]]]], np.float16), "bias": np.array([0.5, 0.25], np.float32)}
GRAPH = Graph(
    ("x",),
    ("out",),
    (
        Operation("Conv", ("x", "w", "b"), ("wide",), {"kernel_shape": [1, 1]}),
        Operation("LeakyRelu", ("wide",), ("bent",), {"alpha": 0.5}),
        Operation("Mul", ("bent", "two"), ("out",), {}),
    ),
    {"w": "weight", "b": "bias"},
    {"two": np.array(2, np.float32)},
)


def test_a_graph_survives_json_and_runs():
    onnxruntime = pytest.importorskip("onnxruntime")
    graph = Graph.from_json(GRAPH.to_json())
    assert graph.to_json() == GRAPH.to_json()
    session = onnxruntime.InferenceSession(graph.to_onnx(ARRAYS), providers=["CPUExecutionProvider"])
    x = np.array([[[[1.0, -3.0]]]], np.float32)
    (found,) = session.run(None, {"x": x})
    assert found.tolist() == [[[[5.0, -5.5]], [[-0.75, 6.5]]]]


def test_the_onnx_that_is_written_is_what_the_format_says():
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(GRAPH.to_onnx(ARRAYS))
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["Conv", "LeakyRelu", "Mul"]
    assert {one.name for one in model.graph.initializer} == {"w", "b", "two"}


def test_integers_are_no_weights():
    """Dividing by one that is 0 would end the process."""
    arrays = ARRAYS | {"weight": np.ones((2, 1, 1, 1), np.int32)}
    with pytest.raises(ValueError, match="weights weight are integers"):
        GRAPH.to_onnx(arrays)


def test_a_missing_weight_is_refused():
    with pytest.raises(ValueError, match="bias are missing"):
        GRAPH.to_onnx({"weight": ARRAYS["weight"]})


def with_operation(kind: str, attributes: dict, reads: tuple = ("x",)) -> dict:
    return {**GRAPH.to_json(), "operations": [[kind, list(reads), ["out"], attributes]]}


@pytest.mark.parametrize(
    "values",
    [
        with_operation("Loop", {}),
        with_operation("If", {}),
        with_operation("Resize", {}),
        with_operation("Conv", {"body": {"graph": []}}),
        with_operation("Conv", {"strides": [10**9, 1]}),
        with_operation("Conv", {"pads": [-(10**9)] * 4}),
        with_operation("Conv", {"pads": [1] * 99}),
        with_operation("Conv", {"auto_pad": "SAME_UPPER"}),
        with_operation("LeakyRelu", {"alpha": float("nan")}),
        with_operation("LeakyRelu", {"alpha": "0.1"}),
        with_operation("LeakyRelu", {"beta": 1.0}),
        with_operation("DepthToSpace", {"blocksize": 16, "mode": "file:///etc/passwd"}),
        with_operation("Pad", {"mode": "edge"}),
        with_operation("Conv", {"strides": 1}),
        with_operation("DepthToSpace", {"blocksize": [2]}),
        with_operation("Cast", {"to": 7}),
        with_operation("Cast", {"to": 2}) | {
            "operations": [["Cast", ["x"], ["i"], {"to": 2}], ["Div", ["i", "i"], ["out"], {}]]
        },
        with_operation("Div", {}, ("x", "two")) | {
            "constants": {"two": {"type": "int64", "shape": [1], "values": [0]}}
        },
        with_operation("Pad", {"mode": "edge"}, ("x", "two")) | {
            "constants": {"two": {"type": "int64", "shape": [4], "values": [0, 0, 4000, 4000]}}
        },
        {**GRAPH.to_json(), "operations": [["ConvTranspose", ["x", "w"], ["x"], {"strides": [16, 16]}]] * 3},
        {**GRAPH.to_json(), "operations": [["Relu", ["x"], ["x"], {}]] * 5000},
        {**GRAPH.to_json(), "operations": [["Relu"]]},
        {**GRAPH.to_json(), "constants": {"two": {"type": "object", "shape": [], "values": [1]}}},
        {**GRAPH.to_json(), "constants": {"two": {"type": "float32", "shape": [9], "values": [1]}}},
        {**GRAPH.to_json(), "constants": {"two": {"type": "float32", "shape": [9999], "values": [0] * 9999}}},
        {},
        [],
        None,
    ],
)  # fmt: skip
def test_all_but_plain_bounded_operations_is_refused(values):
    with pytest.raises(ValueError, match=r"."):
        Graph.from_json(values)
