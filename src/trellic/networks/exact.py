"""Layers that give the same numbers on every processor: what lies between bytes and table rows is made of these.

Convolutions add products in an order that differs from machine to machine; in floating point, so do their sums.
Where all inputs are multiples of 2^-f, all weights multiples of 2^-k, and the magnitudes sum to less than 2^24 such
units, every partial sum is an exact float32, whatever the order. So activations are rounded to a grid, and weights to
the finest grid that this bound allows, in training too: what rounding costs is learned away. Export writes the rounded
weights and holds them to the bound. Everything else is one operation an element, which IEEE 754 defines to the bit.
Source of the idea: Ballé, Johnston and Minnen, integer networks for data compression (2019).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.blocks import full_precision

LEVELS = 2047
"""Values on a grid are -LEVELS … LEVELS of its steps."""
EXACT_SUM = 2.0**24
LARGEST_SUM = 2.0**23
"""What a convolution's products may sum to; as much again is left for rounding, the bias, and what is added to it."""
FINEST_WEIGHT = 10
"""Weights are multiples of 2^-10 or coarser: half precision holds them, and biases on the same grid."""
SLOPE = 0.1
"""Of the leaky activation: one multiplication, which every processor rounds alike."""
USUAL_FRACTION = 5.0
HEADROOM = 1.5

Sources = tuple[tuple["Grid", int], ...]


class Grid(nn.Module):
    """Round to multiples of 2^-fraction, at most LEVELS of them either way, with the gradient of the identity inside.

    fraction  a buffer of one element, or of one for each channel, (C, 1, 1)
    """

    fraction: Tensor

    def __init__(self, fraction: Tensor | float) -> None:
        super().__init__()
        self.register_buffer("fraction", torch.as_tensor(fraction, dtype=torch.float32))
        self.largest: Tensor | None = None
        """The largest magnitude that came by, while someone wants to know."""

    def limit(self, channels: int) -> Tensor:
        """Return the largest value of each channel, (channels, 1, 1)."""
        return (LEVELS * torch.exp2(-self.fraction)).expand(channels, 1, 1)

    def forward(self, values: Tensor) -> Tensor:
        if self.largest is not None:
            self.largest = torch.maximum(self.largest, values.detach().abs().max())
        steps = torch.exp2(self.fraction)
        limit = LEVELS / steps
        clipped = torch.minimum(torch.maximum(values, -limit), limit)
        rounded = torch.floor(clipped * steps + 0.5) / steps
        return clipped + (rounded - clipped).detach() if self.training else rounded


class Activation(nn.Module):
    """A leaky activation, then a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = Grid(USUAL_FRACTION)

    def forward(self, features: Tensor) -> Tensor:
        rounded: Tensor = self.grid(F.leaky_relu(features, SLOPE))
        return rounded


class ExactConv(nn.Conv2d):
    """A 1×1 or depthwise 3×3 convolution of inputs on grids by weights on a grid, its outputs on a grid if so wished.

    sources  the grid and the number of channels of each part of the input, in order
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, sources: Sources, onto: Grid | None = None) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, groups=inputs if kernel > 1 else 1)
        self.sources = sources
        self.onto = onto
        self.frozen = False

    def _reach(self) -> Tensor:
        """Return the largest sum of products of each output, (outputs,)."""
        limit = torch.cat([grid.limit(channels) for grid, channels in self.sources])
        reach = self.weight.detach().abs() * (limit[:, None] if self.groups > 1 else limit)
        return reach.sum(dim=(1, 2, 3))

    def _finest(self) -> float:
        """Return the fraction of its inputs' finest steps."""
        return max(float(grid.fraction.max()) for grid, _ in self.sources)

    def rounded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weight and bias on their grids, with the gradient of the identity, and the weights' fractions."""
        assert self.bias is not None
        units = self._reach().clamp_min(1e-3) * 2.0 ** self._finest()
        fractions = torch.floor(torch.log2(LARGEST_SUM / units)).clamp_max(FINEST_WEIGHT)
        weight = _rounded(self.weight, torch.exp2(fractions).view(-1, 1, 1, 1))
        return weight, _rounded(self.bias, 2.0**FINEST_WEIGHT), fractions

    @torch.no_grad()
    def freeze(self) -> None:
        """Become a plain convolution by the rounded weights. Raises ValueError where its sums would not be exact."""
        weight, bias, fractions = self.rounded()
        self.weight.copy_(weight.half())  # as the exported graph keeps them, on the same grid
        self.bias.copy_(bias.half())  # type: ignore[union-attr]
        sums = (self._reach() + bias.abs()) * torch.exp2((fractions + self._finest()).clamp_min(FINEST_WEIGHT))
        if float(sums.max()) >= EXACT_SUM:
            raise ValueError(f"a convolution may sum to {float(sums.max()):.3g} steps; {EXACT_SUM:.3g} are exact")
        self.frozen = True

    def forward(self, features: Tensor) -> Tensor:
        with full_precision():
            weight, bias = (self.weight, self.bias) if self.frozen else self.rounded()[:2]
            outputs = self._conv_forward(features.float(), weight, bias)
            return outputs if self.onto is None else self.onto(outputs)


def _rounded(values: Tensor, steps: Tensor | float) -> Tensor:
    return values + (torch.round(values * steps) / steps - values).detach()


@torch.no_grad()
def fit_grids(network: nn.Module, run: Callable[[], object]) -> None:
    """Set the grids of activations by the largest values that `run` makes the network show, with room to spare."""
    grids = [module for module in network.modules() if isinstance(module, Grid) and module.fraction.numel() == 1]
    for grid in grids:
        grid.largest = torch.zeros(())
        grid.fraction.fill_(2.0)
    run()
    for grid in grids:
        assert grid.largest is not None
        grid.fraction.copy_(torch.floor(torch.log2(LEVELS / (HEADROOM * grid.largest.clamp_min(1e-3)))).clamp(0, 8))
        grid.largest = None
