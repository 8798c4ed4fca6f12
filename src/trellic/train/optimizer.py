"""The optimizer: Adam, with learning rates by groups of weights.

(Muon for the matrices of 1×1 convolutions was tried: better a step, but a step took so much longer on two cores that
it came out behind at equal time. So did Adam in the eigenbasis of the smaller side of each gradient, after SOAP
(Vyas et al., 2024), though its matrices were shared out over the processes and a step took only a quarter longer.)
"""

import math
from fnmatch import fnmatchcase

import torch
from torch import nn

BETAS = (0.9, 0.98)
LEVEL = 0.3
"""Part of a run with a cosine schedule in which the learning rate stays at its peak."""


def adam(model: nn.Module, learning_rate: float, rates: dict[str, float]) -> torch.optim.Adam:
    """Return Adam over all weights that need a gradient, its parameters named; `set_rate` sets each step's rate.

    rates  factors of the learning rate by patterns of weight names; the first that matches counts
    """
    groups: dict[float, list[tuple[str, nn.Parameter]]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            factor = next((rates[pattern] for pattern in rates if fnmatchcase(name, pattern)), 1.0)
            groups.setdefault(factor, []).append((name, weight))
    listed = [{"params": named, "peak": factor * learning_rate} for factor, named in groups.items()]
    return torch.optim.Adam(listed, lr=learning_rate, betas=BETAS)


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every learning rate to `factor` of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["peak"]


def rate_factor(schedule: str, progress: float, step: int, warmup: int) -> float:
    """Return the learning rate as a factor of its peak.

    "constant" rises over the warm-up and stays. "cosine" falls to zero after LEVEL of the run. "decay" falls from the
    first step, as 1 - √progress: for a branch of a run at constant rate (after Hägele et al., 2024).
    """
    if schedule == "decay":
        return 1.0 - math.sqrt(min(1.0, progress))
    rise = min(1.0, (step + 1) / warmup)
    if schedule == "constant":
        return rise
    return rise * 0.5 * (1 + math.cos(math.pi * max(0.0, progress - LEVEL) / (1 - LEVEL)))
