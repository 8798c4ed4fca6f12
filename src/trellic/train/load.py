"""An exported .trm file → the torch model again, to train on, retrain or adapt. Weights come back in half precision."""

import io
from dataclasses import replace

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from trellic.errors import DamagedModel
from trellic.model.file import ModelFile
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design
from trellic.networks.exact import LEVELS

HALF = ".half"
REST = "rest.npz"
"""The entry for weights that no graph holds as they are: those that the exporter folded into others."""


def weight_name(network: str, initializer: str) -> str:
    """Return the name in the torch model of what a network's graph calls `initializer`."""
    name = initializer.removesuffix(HALF)
    if network.startswith(("first_", "second_")):
        return f"prior.steps.{network.split('_')[1]}.{name.removeprefix('step.')}"
    if network.startswith("hyper_"):
        return f"prior.{network}.{name}"
    return name if name.startswith("synthesis.") else f"{network}.{name}"


def weights_in(network: str, graph: bytes) -> dict[str, np.ndarray]:
    """Return the weights of an ONNX graph by their names in the torch model."""
    initializers = onnx.load_from_string(graph).graph.initializer
    return {weight_name(network, weight.name): numpy_helper.to_array(weight) for weight in initializers}


def _state(file: ModelFile, model: TrainableCodec) -> dict[str, Tensor]:
    """Return a file's weights under their names in the model, grids only where both have them.

    Models of the first release have one grid for all channels of a layer, with as many levels as there may be.
    """
    state = dict(np.load(io.BytesIO(file.entries[REST]), allow_pickle=False))
    for entry, data in file.entries.items():
        if entry.endswith(".onnx"):
            state |= weights_in(entry.removesuffix(".onnx"), data)
    grids = {name.removesuffix(".limit") for name, _ in model.named_buffers() if name.endswith(".limit")}
    for grid in grids:
        if f"{grid}.fraction" in state:
            state.setdefault(f"{grid}.limit", np.asarray(LEVELS * np.exp2(-state[f"{grid}.fraction"])))
    weights = {name for name, _ in model.named_parameters()}
    return {
        name: torch.from_numpy(state[name].astype(np.float32)).expand(like.shape)
        for name, like in model.state_dict().items()
        if name in weights or name in state
    }


def load(file: ModelFile, exact: bool | None = None) -> TrainableCodec:
    """Return the torch model that was exported to a file. Raises DamagedModel.

    exact  whether its entropy networks are to be exact; None for as they are. New grids are at their defaults
    """
    try:
        design = Design.from_json(file.card["design"])
        model = TrainableCodec(design if exact is None else replace(design, exact=exact))
        model.load_state_dict(_state(file, model), strict=False)
    except (KeyError, ValueError, RuntimeError) as error:
        raise DamagedModel(f"model {file.name}: weights cannot be read ({error})") from error
    return model
