"""Exact layers: a conversion of built networks so that they give the same numbers on every processor.

Convolutions add products in an order that differs from machine to machine; in floating point, so do their sums. Where
every product is a multiple of one unit 2^-u, and the magnitudes sum to less than 2^24 such units, every partial sum is
an exact float32, whatever the order. So each channel that a convolution reads is rounded to a fixed point of its own,
2^-f, and the weights that read it to 2^-(u-f), with the finest u that this bound allows each output; in training too,
where what rounding costs is learned away. Everything else in the networks is one operation an element, which IEEE 754
defines to the bit. Export folds the fixed points: weights are written rounded, held to the bound, and count integers.
Source of the idea: Ballé, Johnston and Minnen, integer networks for data compression (2019).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from trellic.model.merge import EXACT_SUM
from trellic.networks.blocks import Plus, full_precision

LEVELS = 2047
"""Integers that a convolution reads are at most this, either way."""
WHOLE_LEVELS = 255
"""The same where values are integers already, such as z, which stays far below."""
LARGEST_SUM = 2.0**23
"""Largest sum of a convolution's products; as much again is left for rounding and the bias."""
FINEST_WEIGHT = 2.0**14
"""Weights are multiples of 2^-14 or coarser: half precision holds those below 1/8 to the last bit, others coarser.

Folded, by 2^-10 at the least, they are multiples of 2^-24, which half precision still holds."""
ROUNDS = 3
"""Of rounding, until it changes nothing: rounded weights may sum to more, and need a coarser unit."""
FINEST_BIAS = 2.0**10
USUAL_SCALE = 2.0**5
LARGEST_SCALE = 2.0**10
"""The finest fixed point that `fit_fixed_points` chooses; the coarsest counts integers."""
HEADROOM = 1.5
QUIETEST = 1 / 64
"""Least magnitude that a channel is fitted to, as a fraction of the largest one of its layer."""


class FixedPoint(nn.Module):
    """Values → integers within ±levels, with the gradient of the identity inside: how many `scale`⁻¹ each value is.

    scale   powers of two, float32 (1, C, 1, 1); levels: float32 scalar; both are buffers
    """

    scale: Tensor
    levels: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.full((1, channels, 1, 1), USUAL_SCALE))
        self.register_buffer("levels", torch.tensor(float(LEVELS)))
        self.shown: Tensor | None = None
        """The largest magnitudes that came by, (1, C, 1, 1), while fixed points are fitted; nothing is rounded then."""
        self.whole = True
        self.limit: float | None = None
        """The levels once they are final: a number, so that an exported graph has it as a constant."""

    def fold(self) -> None:
        """Make the levels final."""
        self.limit = float(self.levels)

    def forward(self, values: Tensor) -> Tensor:
        counted = values * self.scale
        if self.shown is not None:
            self.shown = torch.maximum(self.shown, values.detach().abs().amax(dim=(0, 2, 3), keepdim=True))
            self.whole = self.whole and bool((values == values.round()).all())
            return counted
        if self.limit is None:
            clipped = counted.clamp(-self.levels, self.levels)
        else:
            clipped = counted.clamp(-self.limit, self.limit)
        rounded = torch.round(clipped)
        return clipped + (rounded - clipped).detach() if self.training else rounded

    def fit(self) -> None:
        """Hold magnitudes as shown, with room to spare, as finely as the levels allow."""
        assert self.shown is not None
        if self.whole:
            self.scale.fill_(1.0)
            self.levels.fill_(WHOLE_LEVELS)
        else:
            wanted = HEADROOM * torch.maximum(self.shown, QUIETEST * self.shown.max()).clamp_min(1e-3)
            self.scale.copy_(torch.exp2(torch.floor(torch.log2(LEVELS / wanted))).clamp(1.0, LARGEST_SCALE))
        self.shown = None


class ExactConv(nn.Module):
    """A convolution of integers, of all channels or each, by weights on fixed points; `folded` as in a model file."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        assert plain.bias is not None
        self.fixed_point = FixedPoint(plain.in_channels)
        self.weight, self.bias = plain.weight, plain.bias
        self.stride, self.padding, self.groups = plain.stride, plain.padding, plain.groups
        self.folded = False

    def _of_inputs(self, values: Tensor) -> Tensor:
        """Return values (1, I, 1, 1) of input channels to go with weights: the same, depthwise (I, 1, 1, 1)."""
        return values.transpose(0, 1) if self.groups > 1 else values

    def _reach(self) -> Tensor:
        """Return the largest sum of products of each output, (O, 1, 1, 1)."""
        limits = self._of_inputs(self.fixed_point.levels / self.fixed_point.scale)
        return (self.weight.detach().abs() * limits).sum(dim=(1, 2, 3), keepdim=True)

    def rounded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weight and bias on their fixed points, with the gradient of the identity; and 2^u, (O, 1, 1, 1).

        Products, and the bias, are multiples of 2^-u.
        """
        units = torch.exp2(torch.floor(torch.log2(LARGEST_SUM / self._reach().clamp_min(1e-3))))
        steps = (units / self._of_inputs(self.fixed_point.scale)).clamp_max(FINEST_WEIGHT)
        return _rounded(self.weight, steps), _rounded(self.bias, units.flatten().clamp_max(FINEST_BIAS)), units

    @torch.no_grad()
    def fold(self) -> None:
        """Round weights permanently, in half precision, and let them count integers.

        Raises ValueError where sums would not be exact.
        """
        for _ in range(ROUNDS):
            weight, bias, units = self.rounded()
            self.weight.copy_(weight.half())
            self.bias.copy_(bias.half())
        sums = (self._reach().flatten() + self.bias.abs()) * units.flatten()
        if not float(sums.max()) < EXACT_SUM:
            raise ValueError(f"a convolution may sum to {float(sums.max()):.3g} units; {EXACT_SUM:.3g} are exact")
        self.weight.div_(self._of_inputs(self.fixed_point.scale))
        if not all(torch.equal(values, values.half().float()) for values in (self.weight, self.bias)):
            raise ValueError("half precision does not hold a convolution's weights")
        self.folded = True

    @torch.no_grad()
    def unfold(self) -> None:
        """Undo the scaling of `fold`, so that weights can be trained."""
        self.weight.mul_(self._of_inputs(self.fixed_point.scale))
        self.folded = False

    def forward(self, features: Tensor) -> Tensor:
        with full_precision(features):
            weight, bias = self.weight, self.bias
            if not self.folded:
                weight, bias, _ = self.rounded()
                weight = weight / self._of_inputs(self.fixed_point.scale)
            counted = self.fixed_point(features.float())
            return nn.functional.conv2d(counted, weight, bias, self.stride, self.padding, groups=self.groups)


class ExactPlus(nn.Module):
    """Add two values, each brought onto a fixed point of its own: runtimes then cannot add one into a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = FixedPoint(channels), FixedPoint(channels)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.first(first) / self.first.scale + self.second(second) / self.second.scale


def _rounded(values: Tensor, steps: Tensor) -> Tensor:
    return values + (torch.round(values * steps) / steps - values).detach()


def make_exact(network: nn.Module) -> None:
    """Replace every convolution and every sum of a network by an exact one of the same weights."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d):
                setattr(module, name, ExactConv(child))
            elif isinstance(child, Plus):
                setattr(module, name, ExactPlus(child.channels))


@torch.no_grad()
def fit_fixed_points(network: nn.Module, run: Callable[[], object]) -> None:
    """Fit fixed points to the largest values that `run` makes a network show."""
    points = [module for module in network.modules() if isinstance(module, FixedPoint)]
    for point in points:
        point.shown, point.whole = torch.zeros_like(point.scale), True
    run()
    for point in points:
        point.fit()
