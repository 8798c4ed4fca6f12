"""Optimizers for short training: Muon for matrices, Adam for everything else.

Muon (Jordan et al., 2024) replaces the momentum of a weight matrix by its nearest semi-orthogonal matrix, found by
a Newton-Schulz iteration. torch's own takes two-dimensional parameters in bfloat16 only; ours are 1×1 convolutions,
and float32 is the faster one on many CPUs.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 4


def orthogonalize(matrix: Tensor) -> Tensor:
    """Return a matrix with the singular vectors of (m, n) `matrix` and singular values near one."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalized, for weights (outputs, inputs, 1, 1)."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                momentum.lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(momentum, group["momentum"]).flatten(1)
                # Scaled to the size of Adam's steps (Liu et al., Muon is scalable, 2025).
                size = 0.2 * max(update.shape) ** 0.5
                weight.add_(orthogonalize(update).view_as(weight), alpha=-group["lr"] * size)


class Optimizers:
    """Several optimizers that step together under one learning-rate factor."""

    def __init__(self, model: nn.Module, learning_rate: float, matrix_rate: float) -> None:
        matrices, bases, rest = [], [], []
        for name, weight in model.named_parameters():
            is_matrix = weight.ndim == 4 and weight.shape[2:] == (1, 1) and min(weight.shape[:2]) > 1
            if is_matrix and matrix_rate:
                matrices.append(weight)
            elif name.endswith(("stem.weight", "merge.weight")):
                bases.append(weight)  # good from the start: move them slowly
            else:
                rest.append(weight)
        adam = torch.optim.Adam(
            [{"params": rest, "lr": learning_rate}, {"params": bases, "lr": 0.2 * learning_rate}], betas=(0.9, 0.98)
        )
        self.all: list[torch.optim.Optimizer] = [adam]
        if matrices:
            self.all.append(Muon(matrices, matrix_rate))
        self.peaks = [[group["lr"] for group in one.param_groups] for one in self.all]

    def step(self, factor: float) -> None:
        """Move the weights at `factor` of the peak learning rates, and drop the gradients."""
        for one, peaks in zip(self.all, self.peaks, strict=True):
            for group, peak in zip(one.param_groups, peaks, strict=True):
                group["lr"] = peak * factor
            one.step()
            one.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        """Return the state of each optimizer."""
        return [one.state_dict() for one in self.all]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Restore what `state_dict` returned."""
        for one, state in zip(self.all, states, strict=True):
            one.load_state_dict(state)
