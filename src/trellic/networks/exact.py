"""Layers that give the same numbers on every processor: what lies between bytes and table rows is made of these.

Convolutions add products in an order that differs from machine to machine; in floating point, so do their sums.
Where every product is a multiple of one unit 2^-u, and the magnitudes sum to less than 2^24 such units, every partial
sum is an exact float32, whatever the order. So each channel of activations is rounded to a grid of its own, 2^-f, and
the weights that read it to 2^-(u-f), with the finest u that this bound allows each output; in training too: what
rounding costs is learned away. Export writes the rounded weights and holds them to the bound. Everything else is one
operation an element, which IEEE 754 defines to the bit.
Source of the idea: Ballé, Johnston and Minnen, integer networks for data compression (2019).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.blocks import full_precision

LEVELS = 2047
"""Values on a grid are at most so many of its steps, either way."""
EXACT_SUM = 2.0**24
LARGEST_SUM = 2.0**23
"""What a convolution's products may sum to; as much again is left for rounding, the bias, and what is added to it."""
FINEST_WEIGHT = 14
"""Weights are multiples of 2^-14 or coarser: half precision holds those below 1/8 to the last bit, others coarser."""
FINEST_BIAS = 10
SLOPE = 0.1
"""Of the leaky activation: one multiplication, which every processor rounds alike."""
LARGEST_WHOLE = 255.0
"""The limit of a grid of integers, which side information stays far below."""
USUAL_FRACTION = 5.0
FRACTIONS = (0, 10)
"""The coarsest and the finest grid that `fit_grids` chooses."""
HEADROOM = 1.5
QUIETEST = 1 / 64
"""What a channel is granted at least, of what the largest one of its layer shows."""

Sources = tuple["Grid", ...]


class Grid(nn.Module):
    """Round to multiples of 2^-fraction, clipped to ±limit, with the gradient of the identity inside.

    fraction, limit  buffers, float32 (C, 1, 1); a limit is on its grid
    whole            of values that are integers already: these are only clipped, and the grid is not fitted
    """

    fraction: Tensor
    limit: Tensor

    def __init__(self, channels: int, whole: bool = False) -> None:
        super().__init__()
        fraction, limit = (0.0, LARGEST_WHOLE) if whole else (USUAL_FRACTION, LEVELS * 2.0**-USUAL_FRACTION)
        self.register_buffer("fraction", torch.full((channels, 1, 1), fraction))
        self.register_buffer("limit", torch.full((channels, 1, 1), limit))
        self.whole = whole
        self.shown: Tensor | None = None
        """The largest magnitudes that came by, (C, 1, 1), while someone wants to know; nothing is rounded then."""

    def forward(self, values: Tensor) -> Tensor:
        if self.shown is not None:
            self.shown = torch.maximum(self.shown, values.detach().abs().amax(dim=(0, 2, 3))[:, None, None])
            return values
        steps = torch.exp2(self.fraction)
        clipped = torch.minimum(torch.maximum(values, -self.limit), self.limit)
        rounded = torch.floor(clipped * steps + 0.5) / steps
        return clipped + (rounded - clipped).detach() if self.training else rounded

    def fit(self, shown: Tensor) -> None:
        """Hold magnitudes as `shown`, (C, 1, 1), with room to spare, as finely as LEVELS allow."""
        wanted = HEADROOM * torch.maximum(shown, QUIETEST * shown.max()).clamp_min(1e-3)
        fraction = torch.floor(torch.log2(LEVELS / wanted)).clamp(*FRACTIONS)
        levels = torch.floor(wanted * torch.exp2(fraction)).clamp(1, LEVELS)
        self.fraction.copy_(fraction)
        self.limit.copy_(levels / torch.exp2(fraction))


class Activation(nn.Module):
    """A leaky activation, then a grid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.grid = Grid(channels)

    def forward(self, features: Tensor) -> Tensor:
        rounded: Tensor = self.grid(F.leaky_relu(features, SLOPE))
        return rounded


class ExactConv(nn.Conv2d):
    """A 1×1 or depthwise 3×3 convolution of inputs on grids by weights on grids, its outputs on a grid if so wished.

    sources  the grids of the parts of the input, in order
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, sources: Sources, onto: Grid | None = None) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, groups=inputs if kernel > 1 else 1)
        self.sources = sources
        self.onto = onto
        self.frozen = False

    def _inputs(self, what: str) -> Tensor:
        """Return a buffer of the grids of the inputs, to go with weights: (1, I, 1, 1), depthwise (I, 1, 1, 1)."""
        found = torch.cat([getattr(grid, what) for grid in self.sources])
        return found[:, None] if self.groups > 1 else found[None]

    def _reach(self) -> Tensor:
        """Return the largest sum of products of each output, (O, 1, 1, 1)."""
        return (self.weight.detach().abs() * self._inputs("limit")).sum(dim=(1, 2, 3), keepdim=True)

    def rounded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weight and bias on their grids, with the gradient of the identity; and u, (O, 1, 1, 1).

        Products, and the bias, are multiples of 2^-u.
        """
        assert self.bias is not None
        units = torch.floor(torch.log2(LARGEST_SUM / self._reach().clamp_min(1e-3)))
        fractions = (units - self._inputs("fraction")).clamp_max(FINEST_WEIGHT)
        bias_steps = torch.exp2(units.flatten().clamp_max(FINEST_BIAS))
        return _rounded(self.weight, torch.exp2(fractions)), _rounded(self.bias, bias_steps), units

    @torch.no_grad()
    def freeze(self) -> None:
        """Become a plain convolution by the rounded weights. Raises ValueError where its sums would not be exact."""
        weight, bias, units = self.rounded()
        self.weight.copy_(weight.half())  # as the exported graph keeps them, on the same grid
        self.bias.copy_(bias.half())  # type: ignore[union-attr]
        sums = (self._reach().flatten() + bias.half().abs()) * torch.exp2(units.flatten())
        if float(sums.max()) >= EXACT_SUM:
            raise ValueError(f"a convolution may sum to {float(sums.max()):.3g} steps; {EXACT_SUM:.3g} are exact")
        self.frozen = True

    def forward(self, features: Tensor) -> Tensor:
        with full_precision():
            weight, bias = (self.weight, self.bias) if self.frozen else self.rounded()[:2]
            outputs = self._conv_forward(features.float(), weight, bias)
            return outputs if self.onto is None else self.onto(outputs)


def _rounded(values: Tensor, steps: Tensor) -> Tensor:
    return values + (torch.round(values * steps) / steps - values).detach()


@torch.no_grad()
def fit_grids(network: nn.Module, run: Callable[[], object]) -> None:
    """Fit grids to the largest values that `run` makes the network show."""
    grids = [module for module in network.modules() if isinstance(module, Grid)]
    grids = [grid for grid in grids if grid.limit.numel() and not grid.whole]
    for grid in grids:
        grid.shown = torch.zeros_like(grid.limit)
    run()
    for grid in grids:
        assert grid.shown is not None
        grid.fit(grid.shown)
        grid.shown = None
