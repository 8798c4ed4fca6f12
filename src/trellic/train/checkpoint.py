"""A run's state on disk: single-precision weights, their average, the optimizer's moments, each by weight name.

Moments by name outlive a change of the optimizer's groups; a weight without moments begins with zero. Processes that
share out the moments write theirs to a file each, beside the first one's checkpoint.
"""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from trellic.errors import BadConfig
from trellic.files import write_atomically
from trellic.train.processes import from_first, rank
from trellic.train.soap import Soap

CHECKPOINT, PART = "checkpoint.pt", "moments-{}.pt"
ADAMS = {"step", "exp_avg", "exp_avg_sq"}
State = dict[str, Any]
Trained = TypeVar("Trained", bound=nn.Module)


class Average(Generic[Trained]):
    """Exponential average of a model's weights, short at first, `half_life` steps in the end."""

    def __init__(self, model: Trained, half_life: int) -> None:
        self.model = copy.deepcopy(model)
        self.keep = 0.5 ** (1 / half_life)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move the average towards the model."""
        keep = min(self.keep, (1 + step) / (10 + step))
        for mean, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            if weight.requires_grad:
                mean.lerp_(weight, 1 - keep)


def read_state(folder: Path) -> State:
    """Return the state in a run's folder, on the processor. Raises BadConfig."""
    try:
        state: State = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
        for path in sorted(folder.glob(PART.format("*"))):
            part = torch.load(path, map_location="cpu", weights_only=True)
            state["optimizer"] = part | state["optimizer"]
    except Exception as error:  # a damaged file makes torch raise errors of any kind
        raise BadConfig(f"{folder}: not a training run ({error})") from error
    return state


def state_for_all(folder: Path) -> State:
    """Return the state in the first process's folder, in all processes; empty where there is none yet."""
    return dict(from_first(read_state(folder) if rank() == 0 and (folder / CHECKPOINT).exists() else {}))


def save(folder: Path, model: nn.Module, average: Average[Any], optimizer: torch.optim.Optimizer, facts: State) -> None:
    """Write the state of a run; `facts` are its numbers, such as step and elapsed seconds."""
    state = {
        "model": model.state_dict(),
        "average": average.model.state_dict(),
        "optimizer": _moments(optimizer),
        **facts,
    }
    write_atomically(folder / CHECKPOINT, lambda file: torch.save(state, file))


def save_part(folder: Path, optimizer: torch.optim.Optimizer) -> None:
    """Write the moments that only this process has, where it is not the first and the optimizer shares them out."""
    if isinstance(optimizer, Soap):
        write_atomically(folder / PART.format(rank()), lambda file: torch.save(_moments(optimizer), file))


def restore(state: State, model: nn.Module, average: Average[Any], optimizer: torch.optim.Optimizer) -> None:
    """Go on from a state."""
    model.load_state_dict(state["model"])
    average.model.load_state_dict(state["average"])
    for name, weight in _named(optimizer):
        if _fits(kept := state["optimizer"].get(name, {}), weight, optimizer):
            optimizer.state[weight] = {
                key: value.to(weight, memory_format=torch.preserve_format)
                if isinstance(value, Tensor) and key != "step"
                else value
                for key, value in kept.items()
            }


def _fits(moments: State, weight: Tensor, optimizer: torch.optim.Optimizer) -> bool:
    """Return whether an optimizer can go on with moments: SOAP with Adam's, Adam not with those in a basis."""
    if not moments or moments["exp_avg"].numel() != weight.numel():
        return False
    return isinstance(optimizer, Soap) or moments.keys() == ADAMS


def _moments(optimizer: torch.optim.Optimizer) -> State:
    """Return the optimizer's state in this process by weight name."""
    return {name: optimizer.state[weight] for name, weight in _named(optimizer) if weight in optimizer.state}


def _named(optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, Tensor]]:
    """Yield the weights whose moments this process has."""
    for group in optimizer.param_groups:
        for name, weight in zip(group["param_names"], group["params"], strict=True):
            if not isinstance(optimizer, Soap) or optimizer.holds(weight):
                yield name, weight
