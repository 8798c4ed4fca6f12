"""A torch network → a graph of plain operations, by way of ONNX."""

from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from trellic.model.arrays import Arrays
from trellic.model.graph import OPERATOR_SET, Graph, Operation

LARGEST_CONSTANT = 64
"""Elements of an array that is part of a graph; larger ones are weights."""


def to_graph(
    network: nn.Module, inputs: tuple[Tensor, ...], names: dict[int, str], prefix: str
) -> tuple[Graph, Arrays]:
    """Return a network's graph with free height and width, and the arrays that it names, float32.

    inputs  examples: (1, C, H, W), or (1, 1, 1, 1) for a scalar
    names   what parameters and buffers are called, by `data_ptr`
    prefix  of the names of arrays that the exporter computed from them
    """
    shapes = tuple(
        {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC} if value.shape[-1] > 1 else {} for value in inputs
    )
    program = torch.onnx.export(
        network.eval(), inputs, dynamo=True, dynamic_shapes=shapes, opset_version=OPERATOR_SET, verbose=False
    )
    assert program is not None
    own = {name: names[value.data_ptr()] for name, value in network.state_dict().items() if value.data_ptr() in names}
    return _graph_of(program.model_proto, own, prefix)


def _graph_of(model: onnx.ModelProto, names: dict[str, str], prefix: str) -> tuple[Graph, Arrays]:
    graph = model.graph
    weights: dict[str, str] = {}
    constants: Arrays = {}
    arrays: Arrays = {}
    nodes = []
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            stored[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    for name, values in stored.items():
        if name not in used:
            continue
        if values.size <= LARGEST_CONSTANT and name not in names:
            constants[name] = values.astype(np.int64 if values.dtype.kind in "iu" else np.float32)
            continue
        weights[name] = names.get(name, f"{prefix}/{name}")
        arrays[weights[name]] = values.astype(np.float32)
    operations = tuple(
        Operation(
            node.op_type, tuple(node.input), tuple(node.output), {one.name: _value(one) for one in node.attribute}
        )
        for node in nodes
    )
    pixels = graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    inputs, outputs = (tuple(one.name for one in values) for values in (graph.input, graph.output))
    made = Graph(inputs, outputs, operations, weights, constants, pixels)
    return Graph.from_json(made.to_json()), arrays  # nothing is exported that a reader would refuse


def _value(attribute: Any) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    return list(value) if not isinstance(value, int | float) else value
