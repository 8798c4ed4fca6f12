"""The layers of the entropy networks, in floating point or exact: one way to write a network that can be either."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor, nn

from trellic.networks.blocks import activation, depthwise, pointwise
from trellic.networks.exact import USUAL_FRACTION, Activation, ExactConv, Grid


class Layers(Protocol):
    """Makes layers. `sources` are the modules whose outputs a convolution reads, in the order of its inputs."""

    def grid(self, fraction: Tensor | float = USUAL_FRACTION) -> nn.Module:
        """Return what brings values onto a grid."""

    def activation(self) -> nn.Module:
        """Return a leaky activation."""

    def pointwise(self, inputs: int, outputs: int, *sources: nn.Module, round_off: bool = False) -> nn.Module:
        """Return a 1×1 convolution; `round_off` where neither an activation nor a head follows."""

    def depthwise(self, width: int, source: nn.Module, round_off: bool = False) -> nn.Module:
        """Return a depthwise 3×3 convolution."""


class FloatLayers:
    """Plain layers, which need no grids."""

    def grid(self, fraction: Tensor | float = USUAL_FRACTION) -> nn.Module:
        """Return the identity."""
        del fraction
        return nn.Identity()

    def activation(self) -> nn.Module:
        """Return a leaky activation."""
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


def _sources(inputs: int, modules: Sequence[nn.Module]) -> tuple[tuple[Grid, int], ...]:
    """Return grids with their channels; a grid of one element takes what the others leave."""
    grids = [_grid_behind(module) for module in modules]
    known = sum(grid.fraction.numel() for grid in grids if grid.fraction.numel() > 1)
    return tuple((grid, grid.fraction.numel() if grid.fraction.numel() > 1 else inputs - known) for grid in grids)


class ExactLayers:
    """Layers whose outputs are the same on every processor."""

    def grid(self, fraction: Tensor | float = USUAL_FRACTION) -> nn.Module:
        """Return a grid."""
        return Grid(fraction)

    def activation(self) -> nn.Module:
        """Return a leaky activation onto a grid."""
        return Activation()

    def pointwise(self, inputs: int, outputs: int, *sources: nn.Module, round_off: bool = False) -> nn.Module:
        """Return an exact 1×1 convolution."""
        onto = Grid(USUAL_FRACTION) if round_off else None
        return ExactConv(inputs, outputs, 1, _sources(inputs, sources), onto)

    def depthwise(self, width: int, source: nn.Module, round_off: bool = False) -> nn.Module:
        """Return an exact depthwise 3×3 convolution that begins as the identity."""
        layer = ExactConv(width, width, 3, _sources(width, [source]), Grid(USUAL_FRACTION) if round_off else None)
        layer.load_state_dict(depthwise(width).state_dict(), strict=False)
        return layer


def layers_of(exact: bool) -> Layers:
    """Return the maker of exact layers, or of plain ones."""
    return ExactLayers() if exact else FloatLayers()
