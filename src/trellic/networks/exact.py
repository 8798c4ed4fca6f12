"""Layers that give the same numbers on every processor: what lies between bytes and table rows is made of these.

Convolutions add products in an order that differs from machine to machine; in floating point, so do their sums.
Where every product is a multiple of one unit 2^-u, and the magnitudes sum to less than 2^24 such units, every partial
sum is an exact float32, whatever the order. So each channel of activations is rounded to a grid of its own, 2^-f, and
the weights that read it to 2^-(u-f), with the finest u that this bound allows each output; in training too: what
rounding costs is learned away. Everything else is one operation an element, which IEEE 754 defines to the bit.
Between layers values are counted in steps of their grids, so that rounding is to integers, and one limit is for all.
Export writes weights rounded, held to the bound, and scaled from steps to steps.
Source of the idea: Ballé, Johnston and Minnen, integer networks for data compression (2019).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.blocks import full_precision

LEVELS = 2047
"""Values on a grid are at most so many of its steps, either way."""
WHOLE_LEVELS = 255
"""The same for a grid of integers, which side information stays far below."""
EXACT_SUM = 2.0**24
LARGEST_SUM = 2.0**23
"""What a convolution's products may sum to; as much again is left for rounding, the bias, and what is added to it."""
FINEST_WEIGHT = 2.0**14
"""Weights are multiples of 2^-14 or coarser: half precision holds those below 1/8 to the last bit, others coarser.

Scaled from steps to steps, by 2^-10 at the least, they are multiples of 2^-24, which half precision still holds."""
ROUNDS = 3
"""Of rounding, until it changes nothing: what was rounded may reach further, and be due on a coarser grid."""
FINEST_BIAS = 2.0**10
SLOPE = 0.1
"""Of the leaky activation: one multiplication, which every processor rounds alike."""
USUAL_STEPS = 2.0**5
MOST_STEPS = 2.0**10
"""The finest grid that `fit_grids` chooses; the coarsest is that of integers."""
HEADROOM = 1.5
QUIETEST = 1 / 64
"""What a channel is granted at least, of what the largest one of its layer shows."""


class Grid(nn.Module):
    """Round values that are counted in steps, and clip them to ±levels, with the gradient of the identity inside.

    steps  how many of them make one, powers of two: a buffer, float32 (C, 1, 1)
    whole  of values that are integers already: the grid is theirs, and not fitted
    """

    steps: Tensor

    def __init__(self, channels: int, whole: bool = False) -> None:
        super().__init__()
        self.register_buffer("steps", torch.full((channels, 1, 1), 1.0 if whole else USUAL_STEPS))
        self.levels = WHOLE_LEVELS if whole else LEVELS
        self.whole = whole
        self.shown: Tensor | None = None
        """The largest magnitudes that came by, (C, 1, 1), while someone wants to know; nothing is rounded then."""

    def forward(self, counted: Tensor) -> Tensor:
        if self.shown is not None:
            largest = counted.detach().abs().amax(dim=(0, 2, 3))[:, None, None] / self.steps
            self.shown = torch.maximum(self.shown, largest)
            return counted
        clipped = counted.clamp(-self.levels, self.levels)
        rounded = torch.floor(clipped + 0.5)
        return clipped + (rounded - clipped).detach() if self.training else rounded

    def fit(self, shown: Tensor) -> None:
        """Hold magnitudes as `shown`, (C, 1, 1), with room to spare, as finely as LEVELS allow."""
        wanted = HEADROOM * torch.maximum(shown, QUIETEST * shown.max()).clamp_min(1e-3)
        self.steps.copy_(torch.exp2(torch.floor(torch.log2(LEVELS / wanted))).clamp(1.0, MOST_STEPS))


class Entry(Grid):
    """Bring values that are not in steps yet onto a grid."""

    def forward(self, values: Tensor) -> Tensor:
        return super().forward(values if self.whole else values * self.steps)


class Activation(nn.Module):
    """A leaky activation, then a grid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.grid = Grid(channels)

    def forward(self, features: Tensor) -> Tensor:
        rounded: Tensor = self.grid(F.leaky_relu(features, SLOPE))
        return rounded


class Sum(nn.Module):
    """Add features on two grids, in steps of a third, onto which the sum is brought by what follows."""

    def __init__(self, first: Grid, second: Grid, onto: Grid) -> None:
        super().__init__()
        self.grids = (first, second, onto)  # in a tuple, so that they stay parts of the modules they belong to

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        ours, theirs, onto = (grid.steps for grid in self.grids)
        return first * (onto / ours) + second * (onto / theirs)


class ExactConv(nn.Conv2d):
    """A 1×1 or depthwise 3×3 convolution of inputs on grids by weights on grids.

    sources  the grids of the parts of the input, in order
    onto     the grid in whose steps outputs are, each channel of it being that of as many outputs as there are to one;
             None for outputs that are not in steps
    rounds   whether outputs are brought onto that grid here, which then belongs to this layer
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, sources: tuple[Grid, ...], onto: Grid | None, rounds: bool = False
    ) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, groups=inputs if kernel > 1 else 1)
        self.sources = sources
        self.target = (onto,) if onto else ()
        self.onto = onto if rounds else None
        self.frozen = False

    def _of_sources(self, values: list[Tensor]) -> Tensor:
        """Return values of the channels of each source to go with weights: (1, I, 1, 1), depthwise (I, 1, 1, 1)."""
        found = torch.cat(values)
        return found[:, None] if self.groups > 1 else found[None]

    def _steps_in(self) -> Tensor:
        return self._of_sources([grid.steps for grid in self.sources])

    def _steps_out(self) -> Tensor:
        """Return the steps of each output, (O, 1, 1, 1)."""
        if not self.target:
            return torch.ones(self.out_channels, 1, 1, 1)
        steps = self.target[0].steps[..., None]
        return steps.repeat_interleave(self.out_channels // len(steps), dim=0)

    def _reach(self) -> Tensor:
        """Return the largest sum of products of each output, (O, 1, 1, 1)."""
        limits = self._of_sources([grid.levels / grid.steps for grid in self.sources])
        return (self.weight.detach().abs() * limits).sum(dim=(1, 2, 3), keepdim=True)

    def rounded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weight and bias on their grids, with the gradient of the identity; and 2^u, (O, 1, 1, 1).

        Products, and the bias, are multiples of 2^-u.
        """
        assert self.bias is not None
        units = torch.exp2(torch.floor(torch.log2(LARGEST_SUM / self._reach().clamp_min(1e-3))))
        weight_steps = (units / self._steps_in()).clamp_max(FINEST_WEIGHT)
        return _rounded(self.weight, weight_steps), _rounded(self.bias, units.flatten().clamp_max(FINEST_BIAS)), units

    @torch.no_grad()
    def freeze(self) -> None:
        """Become a plain convolution, from steps to steps, by the rounded weights in half precision.

        Raises ValueError where its sums would not be exact.
        """
        for _ in range(ROUNDS):
            weight, bias, units = self.rounded()
            self.weight.copy_(weight.half())
            self.bias.copy_(bias.half())  # type: ignore[union-attr]
        sums = (self._reach().flatten() + bias.half().abs()) * units.flatten()
        if not float(sums.max()) < EXACT_SUM:
            raise ValueError(f"a convolution may sum to {float(sums.max()):.3g} steps; {EXACT_SUM:.3g} are exact")
        self._scale(self._steps_out() / self._steps_in(), self._steps_out())
        if not all(torch.equal(values, values.half().float()) for values in self.parameters()):
            raise ValueError("half precision does not hold a convolution's weights, counted in steps")
        self.frozen = True

    @torch.no_grad()
    def thaw(self) -> None:
        """Undo the scaling of `freeze`, of which the weights are, so that they can be trained."""
        self._scale(self._steps_in() / self._steps_out(), 1 / self._steps_out())
        self.frozen = False

    def _scale(self, weight: Tensor, bias: Tensor) -> None:
        self.weight.mul_(weight)
        self.bias.mul_(bias.flatten())  # type: ignore[union-attr]

    def forward(self, features: Tensor) -> Tensor:
        with full_precision():
            weight, bias = self.weight, self.bias
            if not self.frozen:
                weight, bias, _ = self.rounded()
                weight, bias = weight * (self._steps_out() / self._steps_in()), bias * self._steps_out().flatten()
            outputs = self._conv_forward(features.float(), weight, bias)
            return outputs if self.onto is None else self.onto(outputs)


def _rounded(values: Tensor, steps: Tensor) -> Tensor:
    return values + (torch.round(values * steps) / steps - values).detach()


@torch.no_grad()
def fit_grids(network: nn.Module, run: Callable[[], object]) -> None:
    """Fit grids to the largest values that `run` makes the network show."""
    grids = [module for module in network.modules() if isinstance(module, Grid)]
    grids = [grid for grid in grids if grid.steps.numel() and not grid.whole]
    for grid in grids:
        grid.shown = torch.zeros_like(grid.steps)
    run()
    for grid in grids:
        assert grid.shown is not None
        grid.fit(grid.shown)
        grid.shown = None
