"""A trained torch model → one .trm file that needs no torch."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from trellic.entropy.tables import gaussian_tables
from trellic.files import write_atomically
from trellic.model.file import FORMAT, ModelFile
from trellic.networks.codec import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, TrainableCodec
from trellic.networks.exact import ExactConv
from trellic.networks.gains import Gains
from trellic.networks.prior import Parameters, Step
from trellic.networks.transforms import ScaledConv, Synthesis
from trellic.train.load import HALF, REST, weights_in

OPSET = 18
EXAMPLE_HEIGHT, EXAMPLE_WIDTH = 128, 192
SMALLEST_HALVED = 16
"""Weights of fewer elements stay in single precision."""


class _Pictures(nn.Module):
    """Synthesis from quantized latents to 8-bit samples."""

    def __init__(self, synthesis: Synthesis, gains: Gains) -> None:
        super().__init__()
        self.synthesis = synthesis
        self.gains = gains

    def forward(self, latents: Tensor, quality: Tensor) -> Tensor:
        pictures = self.synthesis(latents * self.gains.inverse(quality), quality)
        return (pictures.clamp(0, 1) * 255.0).round().to(torch.uint8)


def _bounded(parameters: Parameters) -> tuple[Tensor, Tensor]:
    return parameters.mean, parameters.log_scale.clamp(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)


class _First(nn.Module):
    """A step's first half; the first group has no earlier latents to read."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step

    def forward(self, features: Tensor, earlier: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        before = earlier if earlier is not None else features[:, :0]
        own, parameters = self.step.forward_first(features, before)
        return own, *_bounded(parameters)


class _Second(nn.Module):
    """A step's second half."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step

    def forward(self, own: Tensor, anchors: Tensor) -> tuple[Tensor, Tensor]:
        return _bounded(self.step.forward_second(own, anchors))


def networks_of(model: TrainableCodec) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
    """Return every network of the runtime by name, with example inputs for tracing."""
    design = model.design
    height, width = EXAMPLE_HEIGHT // 16, EXAMPLE_WIDTH // 16
    side, latents = torch.zeros(1, design.hyper, height // 4, width // 4), torch.zeros(1, design.latents, height, width)
    features, quality = torch.zeros(1, design.features, height, width), torch.full((1, 1, 1, 1), 0.5)
    networks: dict[str, tuple[nn.Module, tuple[Tensor, ...]]] = {
        "analysis": (model.analysis, (torch.zeros(1, 3, EXAMPLE_HEIGHT, EXAMPLE_WIDTH),)),
        "hyper_analysis": (model.prior.hyper_analysis, (latents,)),
        "hyper_synthesis": (model.prior.hyper_synthesis, (side, quality)),
        "synthesis": (_Pictures(model.synthesis, model.gains), (latents, quality)),
    }
    before = 0
    for number, (step, size) in enumerate(zip(model.prior.steps, design.groups, strict=True)):
        assert isinstance(step, Step)
        inputs = (features, latents[:, :before]) if before and design.context else (features,)
        networks[f"first_{number}"] = (_First(step), inputs)
        if design.context:
            networks[f"second_{number}"] = (_Second(step), (features, latents[:, :size]))
        before += size
    return networks


def macs_of(network: nn.Module, inputs: tuple[Tensor, ...], pixels: int) -> float:
    """Return the multiply-accumulates a pixel of a network's convolutions, by running it on inputs of so many pixels.

    A convolution applies each weight once a position of its output; a transposed one, of its input.
    """
    total = 0

    def count_module(module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        positions = arguments[0] if getattr(module, "transposed", False) else output
        total += module.weight.numel() * positions[0, 0].numel()  # type: ignore[operator,union-attr]

    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | ScaledConv)]
    hooks = [layer.register_forward_hook(count_module) for layer in layers]
    with torch.no_grad():
        network(*inputs)
    for hook in hooks:
        hook.remove()
    return total / pixels


def to_onnx(network: nn.Module, inputs: tuple[Tensor, ...]) -> bytes:
    """Return an ONNX graph with free height and width and half-precision weights."""
    shapes = tuple(
        {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC} if value.shape[-1] > 1 else {} for value in inputs
    )
    program = torch.onnx.export(
        network.eval(), inputs, dynamo=True, dynamic_shapes=shapes, opset_version=OPSET, verbose=False
    )
    assert program is not None
    return halve(program.model_proto).SerializeToString()


def halve(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Store large float32 weights in half precision; the runtime widens them once, when it loads the graph."""
    casts = []
    for weight in graph.graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < SMALLEST_HALVED:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + HALF))
        casts.append(helper.make_node("Cast", [name + HALF], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    del graph.graph.value_info[:]
    return graph


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _weights_of(entry: str, data: bytes) -> dict[str, np.ndarray]:
    return weights_in(entry.removesuffix(".onnx"), data) if entry.endswith(".onnx") else {}


def export(model: TrainableCodec, card: dict[str, Any], path: Path, kept: dict[str, bytes] | None = None) -> None:
    """Write the model with its card to `path`, a .trm file; the card gains the format and the design.

    kept  entries of another model that stay as they are: its quantizers'
    """
    plain = TrainableCodec(model.design)
    plain.load_state_dict(model.state_dict())
    for layer in plain.modules():
        if isinstance(layer, ExactConv):
            layer.freeze()
    entries = {
        "gains.npy": _npy(plain.gains.up.detach().numpy()),
        "side_scales.npy": _npy(plain.prior.side_log_scale.detach().numpy()),
    }
    entries["tables.npy"] = _npy(gaussian_tables().frequency)
    entries["tables_trellis.npy"] = _npy(gaussian_tables(sets=2).frequency)
    macs = {}
    for name, (network, inputs) in networks_of(plain).items():
        macs[name] = macs_of(network, inputs, EXAMPLE_HEIGHT * EXAMPLE_WIDTH)
        entries[f"{name}.onnx"] = to_onnx(network, inputs)
    held = {key for name, data in entries.items() for key in _weights_of(name, data)}
    rest = {key: value.numpy() for key, value in plain.state_dict().items() if key not in held}
    entries[REST] = _npz(rest)
    full = {"format": FORMAT, "design": model.design.to_json(), "macs_per_pixel": macs, **card}
    entries["card.json"] = json.dumps(full, indent=1).encode()
    data = ModelFile.pack({**entries, **(kept or {})})
    write_atomically(path, lambda file: file.write(data))
