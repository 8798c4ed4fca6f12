"""The layers of the entropy networks, in floating point or exact: one way to write a network that can be either."""

from typing import Protocol

from torch import nn

from trellic.networks.blocks import activation, depthwise, pointwise
from trellic.networks.exact import Activation, ExactConv, Grid


class Layers(Protocol):
    """Makes layers. `sources` are the modules whose outputs a convolution reads, in the order of its inputs."""

    def grid(self, channels: int, whole: bool = False) -> nn.Module:
        """Return what brings values onto a grid; `whole` where they are integers."""

    def activation(self, channels: int) -> nn.Module:
        """Return a leaky activation."""

    def pointwise(self, inputs: int, outputs: int, *sources: nn.Module, round_off: bool = False) -> nn.Module:
        """Return a 1×1 convolution; `round_off` where neither an activation nor a head follows."""

    def depthwise(self, width: int, source: nn.Module, round_off: bool = False) -> nn.Module:
        """Return a depthwise 3×3 convolution."""


class FloatLayers:
    """Plain layers, which need no grids."""

    def grid(self, channels: int, whole: bool = False) -> nn.Module:
        """Return the identity."""
        del channels, whole
        return nn.Identity()

    def activation(self, channels: int) -> nn.Module:
        """Return a leaky activation."""
        del channels
        return activation()

    def pointwise(self, inputs: int, outputs: int, *sources: nn.Module, round_off: bool = False) -> nn.Module:
        """Return a 1×1 convolution."""
        del sources, round_off
        return pointwise(inputs, outputs)

    def depthwise(self, width: int, source: nn.Module, round_off: bool = False) -> nn.Module:
        """Return a depthwise 3×3 convolution that begins as the identity."""
        del source, round_off
        return depthwise(width)


def _grid_behind(source: nn.Module) -> Grid:
    grid = {Activation: "grid", ExactConv: "onto"}.get(type(source))
    found = getattr(source, grid) if grid else source
    assert isinstance(found, Grid)
    return found


class ExactLayers:
    """Layers whose outputs are the same on every processor."""

    def grid(self, channels: int, whole: bool = False) -> nn.Module:
        """Return a grid."""
        return Grid(channels, whole)

    def activation(self, channels: int) -> nn.Module:
        """Return a leaky activation onto a grid."""
        return Activation(channels)

    def pointwise(self, inputs: int, outputs: int, *sources: nn.Module, round_off: bool = False) -> nn.Module:
        """Return an exact 1×1 convolution."""
        onto = Grid(outputs) if round_off else None
        return ExactConv(inputs, outputs, 1, tuple(map(_grid_behind, sources)), onto)

    def depthwise(self, width: int, source: nn.Module, round_off: bool = False) -> nn.Module:
        """Return an exact depthwise 3×3 convolution that begins as the identity."""
        layer = ExactConv(width, width, 3, (_grid_behind(source),), Grid(width) if round_off else None)
        layer.load_state_dict(depthwise(width).state_dict(), strict=False)
        return layer


def layers_of(exact: bool) -> Layers:
    """Return the maker of exact layers, or of plain ones."""
    return ExactLayers() if exact else FloatLayers()
