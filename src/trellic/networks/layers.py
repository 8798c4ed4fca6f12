"""The layers of the entropy networks, in floating point or exact: one way to write a network that can be either."""

from typing import Protocol

from torch import Tensor, nn

from trellic.networks.blocks import activation, depthwise, pointwise
from trellic.networks.exact import Activation, Entry, ExactConv, Grid, Sum


class Layers(Protocol):
    """Makes layers.

    sources  the modules whose outputs a convolution reads, in the order of its inputs
    onto     where outputs go: the activation that follows, or a grid of the layer's own; nothing where a network ends
    """

    def entry(self, channels: int, whole: bool = False) -> nn.Module:
        """Return what brings values that enter a network onto a grid; `whole` where they are integers."""

    def grid(self, channels: int) -> nn.Module:
        """Return a grid for a convolution's outputs where no activation follows."""

    def activation(self, channels: int) -> nn.Module:
        """Return a leaky activation."""

    def pointwise(self, inputs: int, outputs: int, *sources: nn.Module, onto: nn.Module | None = None) -> nn.Module:
        """Return a 1×1 convolution."""

    def depthwise(self, width: int, source: nn.Module, onto: nn.Module) -> nn.Module:
        """Return a depthwise 3×3 convolution that begins as the identity."""

    def sum(self, first: nn.Module, second: nn.Module, onto: nn.Module) -> nn.Module:
        """Return what adds the outputs of two modules."""


class Plus(nn.Module):
    """Add two values."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first + second


class FloatLayers:
    """Plain layers, which need no grids."""

    def entry(self, channels: int, whole: bool = False) -> nn.Module:
        """Return the identity."""
        del channels, whole
        return nn.Identity()

    def grid(self, channels: int) -> nn.Module:
        """Return the identity."""
        del channels
        return nn.Identity()

    def activation(self, channels: int) -> nn.Module:
        """Return a leaky activation."""
        del channels
        return activation()

    def pointwise(self, inputs: int, outputs: int, *sources: nn.Module, onto: nn.Module | None = None) -> nn.Module:
        """Return a 1×1 convolution."""
        del sources, onto
        return pointwise(inputs, outputs)

    def depthwise(self, width: int, source: nn.Module, onto: nn.Module) -> nn.Module:
        """Return a depthwise 3×3 convolution that begins as the identity."""
        del source, onto
        return depthwise(width)

    def sum(self, first: nn.Module, second: nn.Module, onto: nn.Module) -> nn.Module:
        """Return what adds two values."""
        del first, second, onto
        return Plus()


def _grid_of(module: nn.Module) -> Grid:
    """Return the grid that a module's outputs are on."""
    grid = {Activation: "grid", ExactConv: "onto"}.get(type(module))
    found = getattr(module, grid) if grid else module
    assert isinstance(found, Grid)
    return found


class ExactLayers:
    """Layers whose outputs are the same on every processor."""

    def entry(self, channels: int, whole: bool = False) -> nn.Module:
        """Return a grid for values that are not in its steps yet."""
        return Entry(channels, whole)

    def grid(self, channels: int) -> nn.Module:
        """Return a grid."""
        return Grid(channels)

    def activation(self, channels: int) -> nn.Module:
        """Return a leaky activation onto a grid."""
        return Activation(channels)

    def pointwise(self, inputs: int, outputs: int, *sources: nn.Module, onto: nn.Module | None = None) -> nn.Module:
        """Return an exact 1×1 convolution."""
        target = _grid_of(onto) if onto else None
        return ExactConv(inputs, outputs, 1, tuple(map(_grid_of, sources)), target, rounds=isinstance(onto, Grid))

    def depthwise(self, width: int, source: nn.Module, onto: nn.Module) -> nn.Module:
        """Return an exact depthwise 3×3 convolution that begins as the identity."""
        layer = ExactConv(width, width, 3, (_grid_of(source),), _grid_of(onto), rounds=isinstance(onto, Grid))
        layer.load_state_dict(depthwise(width).state_dict(), strict=False)
        return layer

    def sum(self, first: nn.Module, second: nn.Module, onto: nn.Module) -> nn.Module:
        """Return what adds values on two grids in steps of a third."""
        return Sum(_grid_of(first), _grid_of(second), _grid_of(onto))


def layers_of(exact: bool) -> Layers:
    """Return the maker of exact layers, or of plain ones."""
    return ExactLayers() if exact else FloatLayers()
