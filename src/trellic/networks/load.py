"""A `Model` → the torch model again, to train on, retrain or adapt. Large weights come back in half precision."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trellic.errors import DamagedModel
from trellic.model import Model
from trellic.networks.blocks import Residual
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design
from trellic.networks.exact import ExactConv
from trellic.networks.learned import shared_names
from trellic.networks.priors.mixed import MixedLast
from trellic.networks.priors.stepwise import Neighbours
from trellic.networks.transforms.basis_conv import BasisConv


def load(model: Model) -> TrainableCodec:
    """Return the torch model that was exported. Raises DamagedModel."""
    arrays = {**model.file.arrays["encoder"], **model.file.arrays["decoder"]}
    try:
        loaded = TrainableCodec(Design.from_json(model.card["design"]))
        affine = {f"prior.{name}": arrays[name] for name in loaded.prior.affine}
        known, shared = {**arrays, **affine}, shared_names(loaded)
        state = {name: torch.from_numpy(known[shared[name]].astype(np.float32)) for name in loaded.state_dict()}
        loaded.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DamagedModel(f"model {model.name}: weights cannot be read ({error})") from error
    for layer in loaded.modules():
        if isinstance(layer, ExactConv | BasisConv):
            layer.unfold()
    return loaded


def grow(start: TrainableCodec, design: Design) -> TrainableCodec:
    """Return a model of another design with the same pictures and bits, see `Design.grows_from`. Raises ValueError."""
    if not design.grows_from(start.design):
        raise ValueError("a model of that design cannot go on from this one")
    grown = TrainableCodec(design)
    known = start.state_dict()
    state = {name: _grown(known[name], value) for name, value in grown.state_dict().items() if name in known}
    missing, _ = grown.load_state_dict(state, strict=False)
    for name, module in grown.named_modules():
        if isinstance(module, Residual) and any(key.startswith(f"{name}.") for key in missing):
            module.silence()
        if isinstance(module, MixedLast) and not start.design.prior.mixed:
            module.begin_as(known[f"{name}.weight"], known[f"{name}.bias"])
        if isinstance(module, Neighbours) and not start.design.prior.stepwise:
            module.begin_as(grown.affine("z_log_scale"))
    return grown


def _grown(old: Tensor, new: Tensor) -> Tensor:
    """Return an array in a larger shape: filters continued by zeros, gains at more qualities."""
    if old.shape == new.shape:
        return old
    if old.shape[-1] > 1:
        margin = (new.shape[-1] - old.shape[-1]) // 2
        return F.pad(old, [margin] * 4)
    lines = old.flatten(2).transpose(1, 2)
    return F.interpolate(lines, new.shape[1], mode="linear", align_corners=True).transpose(1, 2)[..., None]
