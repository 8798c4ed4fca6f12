"""The optimizer: learning rates by groups of weights, and over the run."""

import math
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

from trellic.train.config import TrainConfig
from trellic.train.devices import type_of
from trellic.train.soap import Soap

BETAS = (0.9, 0.98)
LEVEL = 0.3
"""Part of a run with a cosine schedule in which the learning rate stays at its peak."""


def optimizer_of(model: nn.Module, config: TrainConfig) -> torch.optim.Adam:
    """Return a configuration's optimizer of all weights that need a gradient, its parameters named.

    `set_rate` sets each step's learning rate; of `config.rates` the first pattern that fits a weight's name counts.
    """
    groups: dict[float, list[tuple[str, nn.Parameter]]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            factor = next((config.rates[pattern] for pattern in config.rates if fnmatchcase(name, pattern)), 1.0)
            groups.setdefault(factor, []).append((name, weight))
    listed: list[dict[str, Any]] = [
        {"params": named, "peak": factor * config.learning_rate} for factor, named in groups.items()
    ]
    if config.optimizer == "soap":
        precision = type_of(next(model.parameters()).device, config.precision)
        return Soap(listed, config.learning_rate, BETAS, precision)
    return torch.optim.Adam(listed, lr=config.learning_rate, betas=BETAS)


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
