"""A trained torch model → a `Model`, which needs no torch."""

import copy
from collections.abc import Set
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trellic.entropy.tables import gaussian_tables
from trellic.model import Model
from trellic.model.arrays import Arrays
from trellic.model.file import FORMAT, ModelFile
from trellic.model.graph import Graph
from trellic.model.probe import add_probe
from trellic.model.schedule import Run
from trellic.networks.activations import Normalization
from trellic.networks.codec import TrainableCodec
from trellic.networks.exact import ExactConv, FixedPoint
from trellic.networks.graphs import to_graph
from trellic.networks.learned import shared_names
from trellic.networks.surrogates import Rounding
from trellic.networks.transforms.basis_conv import BasisConv

EXAMPLE_HEIGHT, EXAMPLE_WIDTH = 128, 192
SMALLEST_HALVED = 1024
"""Arrays of fewer elements stay in single precision."""


class _Pixels(nn.Module):
    """Synthesis to 8-bit samples."""

    def __init__(self, synthesis: nn.Module) -> None:
        super().__init__()
        self.synthesis = synthesis

    def forward(self, latents: Tensor, quality: Tensor) -> Tensor:
        return (self.synthesis(latents, quality).clamp(0, 1) * 255.0).round().to(torch.uint8)


def fold(model: TrainableCodec) -> TrainableCodec:
    """Return a copy of a model as it is exported: weights rounded, scales multiplied into them."""
    folded = copy.deepcopy(model).eval().cpu()
    for layer in folded.modules():
        if isinstance(layer, ExactConv | BasisConv | FixedPoint):
            layer.fold()
    return folded


def export(model: TrainableCodec, card: dict[str, Any]) -> Model:
    """Return the model with its card, which gains format, design, schedule, margin, costs and exactness probe."""
    folded = fold(model)
    shared, state = shared_names(folded), folded.state_dict()
    names = {value.data_ptr(): shared[name] for name, value in state.items() if value.numel()}
    graphs: dict[str, dict[str, Graph]] = {"decoder": {}, "encoder": {}}
    arrays: dict[str, Arrays] = {"decoder": {}, "encoder": {}}
    macs = {}
    examples = _example_inputs(folded)
    for graph, inputs in examples.items():
        network = folded.network(graph)
        macs[graph] = macs_of(network, inputs, EXAMPLE_HEIGHT * EXAMPLE_WIDTH)
        half = "decoder" if graph in folded.schedule.graphs else "encoder"
        shown = _Pixels(network) if graph == "synthesis" else network
        graphs[half][graph], found = to_graph(shown, inputs, names, graph)
        arrays[half] |= found
    arrays["decoder"] |= {name: folded.affine(name).detach().numpy() for name in folded.prior.affine}
    arrays["encoder"] = {name: value for name, value in arrays["encoder"].items() if name not in arrays["decoder"]}
    held = {*arrays["decoder"], *arrays["encoder"]}
    arrays["encoder"] |= {shared[name]: value.numpy() for name, value in state.items() if shared[name] not in held}
    tables = {"gaussian.tables": gaussian_tables().frequency, "gaussian_pair.tables": gaussian_tables(2).frequency}
    full = {
        "format": FORMAT,
        "design": model.design.to_json(),
        "schedule": model.schedule.to_json(),
        "margin": model.family.margin(model.design),
        "macs_per_pixel": macs,
        **card,
    }
    fixed = {shared[name] for name, _ in folded.named_buffers(remove_duplicate=False)}
    made = Model.of(ModelFile(full, tables, graphs, {half: _halved(found, fixed) for half, found in arrays.items()}))
    if not model.design.exact:
        return made
    channels = {
        name: [value.shape[1] if value.shape[-1] > 1 else 0 for value in examples[name]]
        for name in folded.schedule.entropy_graphs
    }
    return add_probe(made, channels)


def _halved(arrays: Arrays, fixed: Set[str]) -> Arrays:
    """Return arrays with the large ones in half precision, but for those that are fixed and would change by it."""
    found = dict(arrays)
    for name, values in arrays.items():
        if values.dtype == np.float32 and values.size >= SMALLEST_HALVED:
            halved = values.astype(np.float16)
            if name not in fixed or np.array_equal(halved, values):
                found[name] = halved
    return found


@torch.no_grad()
def _example_inputs(model: TrainableCodec) -> dict[str, tuple[Tensor, ...]]:
    """Return inputs of every network, by running the schedule on a grey picture."""
    found: dict[str, tuple[Tensor, ...]] = {}
    pictures = torch.full((1, 3, EXAMPLE_HEIGHT, EXAMPLE_WIDTH), 0.5, device="cpu")
    quality = torch.full((1, 1, 1, 1), 0.5, device="cpu")
    handles = []
    for step in (*model.schedule.encode, *model.schedule.code, *model.schedule.decode):
        if isinstance(step, Run):

            def keep(module: nn.Module, inputs: tuple[Tensor, ...], graph: str = step.graph) -> None:
                found[graph] = tuple(value.clone() for value in inputs)

            handles.append(model.network(step.graph).register_forward_pre_hook(keep))
    model(pictures, quality, Rounding())
    for handle in handles:
        handle.remove()
    return found


def macs_of(network: nn.Module, inputs: tuple[Tensor, ...], pixels: int) -> float:
    """Return the multiply-accumulates per pixel of a network's convolutions, by running it on example inputs.

    A convolution applies each weight once a position of its output; a transposed one, of its input.
    """
    total = 0

    def count_module(module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        positions = arguments[0] if getattr(module, "transposed", False) else output
        total += module.weight.numel() * positions[0, 0].numel()  # type: ignore[operator,union-attr]

    counted = nn.Conv2d | ExactConv | BasisConv | Normalization
    layers = [module for module in network.modules() if isinstance(module, counted)]
    hooks = [layer.register_forward_hook(count_module) for layer in layers]
    with torch.no_grad():
        network(*inputs)
    for hook in hooks:
        hook.remove()
    return total / pixels
