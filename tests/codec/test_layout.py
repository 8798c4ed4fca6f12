"""The layout that costs least: bits, and squared errors at the value that the quality puts on them."""

import pytest

from trellic.codec.costs import Costs
from trellic.codec.layout import SECTION_BITS, Layout, cheapest
from trellic.codec.palettes import ALL, ExactCost
from trellic.container import Box, Grid
from trellic.metrics import lambda_at

GRID = Grid.tiled(512, 256, 256, 256)


def costs_of(*tiles: tuple[float, float]) -> Costs:
    """Return costs where each tile's latents take so many bits and leave so large an error."""
    costs = Costs(GRID)
    for number, (bits, error) in enumerate(tiles):
        costs.settle(GRID.tile(number), bits)
        costs.errors[0, 16 * number] = error
    return costs


def test_a_tile_is_exact_where_that_takes_fewer_bits():
    found = cheapest(
        GRID, costs_of((1000, 0), (1000, 0)), 12800, {0: ExactCost(ALL, 900.0, 0.0), 1: ExactCost(8, 900.0, 200.0)}
    )
    assert found == Layout(GRID, {0: ALL}, pytest.approx(1900 + 2 * SECTION_BITS), 0.0)
    assert not found.is_exact


def test_a_tile_is_exact_where_more_bits_are_worth_the_error_that_they_spare():
    error, quality = 30_000.0, 12800
    gain = lambda_at(0.5) * error / 3
    for exact, bits in ((True, 1000 + 0.9 * gain), (False, 1000 + 1.1 * gain)):
        assert (
            0 in cheapest(GRID, costs_of((1000, error), (1, 0)), quality, {0: ExactCost(ALL, bits, 0.0)}).exact
        ) is exact


def test_a_tile_in_fewer_colours_has_its_bits_and_its_error():
    found = cheapest(GRID, costs_of((1000, 0), (2000, 0)), 12800, {1: ExactCost(16, 700.0, 300.0)})
    assert (found.exact, found.error) == ({1: 16}, 300)
    assert found.bits == pytest.approx(1700 + 2 * SECTION_BITS)


def test_what_may_not_be_exact_stays_latents():
    assert cheapest(GRID, costs_of((1e9, 1e9), (1e9, 0)), 0, {}).exact == {}


def test_latents_lie_where_tiles_are_not_exact():
    layout = Layout(GRID, {1: ALL})
    assert layout.has_latents(Box(200, 0, 300, 10))
    assert not layout.has_latents(Box(256, 0, 300, 10))
    assert not layout.has_latents(Box(256, 0, 256, 256))
