"""What makes a model's synthesis pleasing: changes of its weights, of which a decoder takes as much as it likes.

A companion of a model, in a file of its own that is named by the model's hash (`HASH.pleasing`): it changes no stream
and no model. The file is laid out as an adapter is, and changes the synthesis alone. `trellic retrain --stages
pleasing` makes it.
Source: Yan et al., Optimally controllable perceptual lossy compression (2022), who interpolate pictures; weights are
interpolated here, which takes no more time than one synthesis.
"""

from trellic.errors import BadRequest, DamagedAdapter, DamagedModel
from trellic.model.adapter import Adapter
from trellic.model.model import Model
from trellic.model.schedule import Run
from trellic.model.store import find_companion, installed

SUFFIX = ".pleasing"
STEPS = 16
"""Amounts are rounded to 1/16, so that few models are kept."""


def steps_of(realism: float) -> int:
    """Return how many STEPS a realism of 0 (faithful) to 1 (pleasing) is. Raises BadRequest."""
    if not 0 <= realism <= 1:
        raise BadRequest(f"a realism is 0 to 1, not {realism:g}")
    return round(realism * STEPS)


def has_pleasing(prefix: bytes) -> bool:
    """Return whether a companion is installed of the model whose hash begins so."""
    return any(path.stem.startswith(prefix.hex()) for path in installed(SUFFIX))


def read_pleasing(model: Model) -> Adapter:
    """Return the companion of a model. Raises BadRequest where none is installed, or DamagedModel."""
    path = find_companion(model.name, SUFFIX)
    if path is None:
        raise BadRequest(f"model {model.name} has no {model.name}{SUFFIX}: it shows pictures at realism 0 alone")
    try:
        found = Adapter.read(path)
        changed = {change.array for changes in found.changes(model).values() for change in changes}
    except (DamagedAdapter, BadRequest) as error:
        raise DamagedModel(f"{path}: {error}") from error
    if others := changed - _arrays_of_synthesis(model):
        raise DamagedModel(f"{path}: changes {min(others)}, which is no part of the synthesis")
    return found


def _arrays_of_synthesis(model: Model) -> set[str]:
    """Return the arrays that the synthesis reads and nothing else does."""
    graphs = {step.graph for step in model.schedule.decode if isinstance(step, Run)}
    owners = {name: {*model.network(name)[0].weights.values()} for half in model.file.graphs.values() for name in half}
    others = {array for name, arrays in owners.items() if name not in graphs for array in arrays}
    return {array for name in graphs for array in owners[name]} - others
