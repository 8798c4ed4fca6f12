"""The optimizer: Adam, with the classical bases moved slowly.

(Muon for the matrices of 1×1 convolutions was tried: better a step, but a step took so much longer on two cores that
it came out behind at equal time. So did Adam in the eigenbasis of the smaller side of each gradient, after SOAP
(Vyas et al., 2024), though its matrices were shared out over the processes and a step took only a quarter longer.)
"""

import torch
from torch import nn

BASIS_RATE = 0.2
"""Share of the learning rate for weights that begin as a cosine or Haar transform: they are good from the start."""


def adam(model: nn.Module, learning_rate: float) -> torch.optim.Adam:
    """Return Adam over all weights that want a gradient; `set_rate` sets the learning rate of each step."""
    bases: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        if not weight.requires_grad:
            continue
        (bases if name.endswith(("stem.weight", "merge.weight")) else rest).append(weight)
    groups = [{"params": rest, "peak": learning_rate}, {"params": bases, "peak": BASIS_RATE * learning_rate}]
    return torch.optim.Adam([group for group in groups if group["params"]], lr=learning_rate, betas=(0.9, 0.98))


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every learning rate to `factor` of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["peak"]
