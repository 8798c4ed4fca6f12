"""An exported .trm file → the torch model again, to train on, retrain or adapt. Weights come back in half precision."""

import io

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from trellic.errors import DamagedModel
from trellic.model.file import ModelFile
from trellic.networks.blocks import Residual
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design
from trellic.networks.exact import ExactConv, Grid

HALF = ".half"
REST = "rest.npz"
"""The entry for weights that no graph holds as they are: those that the exporter folded into others."""
STEPS, FRACTION = ".steps", ".fraction"


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


def _state(file: ModelFile, model: TrainableCodec) -> tuple[dict[str, Tensor], bool]:
    """Return a file's weights under their names in the model, and whether those of exact layers are frozen.

    Models of the first release keep log2 of the steps of a grid, one for all channels, and weights that are not scaled;
    they had steps in grids of integers too, which now count as they are.
    """
    state = dict(np.load(io.BytesIO(file.entries[REST]), allow_pickle=False))
    for entry, data in file.entries.items():
        if entry.endswith(".onnx"):
            state |= weights_in(entry.removesuffix(".onnx"), data)
    frozen = any(name.endswith(STEPS) for name in state)
    for grid, module in model.named_modules():
        if isinstance(module, Grid) and not module.whole and f"{grid}{FRACTION}" in state:
            state[f"{grid}{STEPS}"] = np.asarray(np.exp2(state[f"{grid}{FRACTION}"]))
    weights = {name for name, _ in model.named_parameters()}
    return {
        name: torch.from_numpy(state[name].astype(np.float32)).expand(like.shape)
        for name, like in model.state_dict().items()
        if name in weights or name in state
    }, frozen


def load(file: ModelFile, design: Design | None = None, frozen: bool = False) -> TrainableCodec:
    """Return the torch model that was exported to a file. Raises DamagedModel.

    design  as what it goes on, see `Design.may_follow`: new grids are at their defaults, new blocks the identity
    frozen  whether exact layers stay the plain convolutions that were exported: to run, not to train
    """
    try:
        model = TrainableCodec(Design.from_json(file.card["design"]))
        state, scaled = _state(file, model)
        model.load_state_dict(state, strict=False)
    except (KeyError, ValueError, RuntimeError) as error:
        raise DamagedModel(f"model {file.name}: weights cannot be read ({error})") from error
    for layer in model.modules():
        if isinstance(layer, ExactConv):
            layer.frozen = scaled
            if scaled and not frozen:
                layer.thaw()
    if design in (None, model.design):
        return model
    assert design is not None
    other = TrainableCodec(design)
    known = model.state_dict()
    other.load_state_dict(known, strict=False)
    for name, module in other.analysis.named_modules(prefix="analysis"):
        if isinstance(module, Residual) and not any(key.startswith(f"{name}.") for key in known):
            module.silence()
    return other
