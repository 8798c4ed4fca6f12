"""Layouts: how a picture is cut into tiles, and which of them are coded exactly, as that costs less than latents do."""

from collections.abc import Mapping
from typing import NamedTuple

from trellic.codec.costs import Costs
from trellic.codec.palettes import ExactCost
from trellic.container import Box, Grid

SECTION_BITS = 56
"""Of a tile's entry in the index of a stream."""


class Layout(NamedTuple):
    """A grid and those of its tiles that are coded exactly, with what that is expected to cost.

    exact  in how many colours, or ALL, by number
    bits   of all tiles
    error  of all tiles: their squared error, in bits, see `Costs`
    """

    grid: Grid
    exact: Mapping[int, int]
    bits: float = 0.0
    error: float = 0.0

    @property
    def cost(self) -> float:
        """Bits and error together."""
        return self.bits + self.error

    @property
    def is_exact(self) -> bool:
        """Whether all of it is coded exactly."""
        return len(self.exact) == self.grid.tiles

    def has_latents(self, box: Box) -> bool:
        """Return whether any of a box is coded as latents."""
        return any(number not in self.exact for number in self.grid.touching(box))


def cheapest(grid: Grid, costs: Costs, quality: int, exact_costs: Mapping[int, ExactCost]) -> Layout:
    """Return the cheapest layout of a grid at a quality of 0 to 25600.

    costs        of latents
    exact_costs  of the tiles that may be coded exactly, by number
    """
    exact, bits, error = {}, 0.0, 0.0
    for number in range(grid.tiles):
        tile = grid.tile(number)
        latents = costs.bits_of(tile), costs.error_of(tile, quality)
        if number in exact_costs and exact_costs[number].cost < sum(latents):
            exact[number] = exact_costs[number].colours
            latents = exact_costs[number].bits, exact_costs[number].error
        bits += latents[0]
        error += latents[1]
    return Layout(grid, exact, bits + SECTION_BITS * grid.tiles, error)
