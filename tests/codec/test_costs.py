"""Costs of latents by place: they sum to what was coded, and lie where it was."""

import numpy as np
import pytest

from trellic.codec import strips
from trellic.codec.analysis import analyse
from trellic.codec.coding import Pass
from trellic.codec.costs import Costs
from trellic.codec.encoder import encode_latents, reconstruct
from trellic.codec.fidelity import errors_of_units
from trellic.codec.resources import Resources
from trellic.codec.tiles import Workers
from trellic.codec.units import CodedUnit, DecodedUnit
from trellic.container import Box, Grid, Header
from trellic.entropy.bits import bits_of
from trellic.entropy.parameters import Parameters
from trellic.metrics import lambda_at


def test_bits_sum_to_the_estimate_and_lie_where_the_detail_is(codec):
    pixels = np.full((128, 256, 3), 90, np.uint8)
    pixels[:, 192:] = np.random.default_rng(0).integers(0, 256, (128, 64, 3))
    grid = Grid.whole(256, 128)
    costs = Costs(grid)
    coded = encode_latents(
        codec.sessions,
        analyse(codec.sessions, pixels, 12800),
        codec.deployed,
        costs.seen(grid.picture, codec.model, codec.deployed),
    )
    assert costs.bits_of(grid.picture) == pytest.approx(coded.estimated_bits, rel=1e-6)
    assert costs.bits_of(Box(192, 0, 256, 128)) > 0.9 * coded.estimated_bits


def test_errors_lie_where_they_are(codec, small_picture):
    pixels = small_picture.pixels[:79, :90]
    analysed = analyse(codec.sessions, pixels, 5120)
    coded = encode_latents(codec.sessions, analysed, codec.deployed)
    header = Header(b"1234", Grid.whole(90, 79), 5120, codec.quantizer.number)
    unit = CodedUnit([], 0.0, pixels, DecodedUnit(coded.decoded["y"]))
    errors = errors_of_units(Resources(codec.sessions, Workers(1, 1)), header, iter([unit]))
    squares = np.square(pixels.astype(int) - reconstruct(codec.sessions, coded, analysed)).sum(axis=2)
    assert errors.sum() == squares.sum()
    assert errors[1, 2] == squares[16:32, 32:48].sum()
    assert errors[4, 5] == squares[64:, 80:].sum()


def test_errors_of_a_picture_that_is_shown_in_parts_are_all_there(codec, monkeypatch):
    monkeypatch.setattr(strips, "MOST_SHOWN", 128 * 128)
    random = np.random.default_rng(1)
    pairs = [random.integers(0, 256, (2, 128, 128, 3), np.uint8) for _ in range(6)]
    units = (CodedUnit([], 0.0, original, DecodedUnit(None, decoded)) for original, decoded in pairs)
    header = Header(b"1234", Grid(384, 256, 128, 128), 5120, codec.quantizer.number)
    errors = errors_of_units(Resources(codec.sessions, Workers(1, 6)), header, units)
    assert errors.sum() == sum(np.square(original.astype(int) - decoded).sum() for original, decoded in pairs)


def test_an_index_of_a_coarser_variable_costs_all_cells_below_it_the_same(codec):
    grid = Grid.whole(128, 128)
    costs = Costs(grid)
    step = next(step for step in codec.model.schedule.passes if step.variable == "z")
    scales, indices = np.array([30], np.uint8), np.array([5], np.int32)
    at = Pass(step, np.array([3], np.int32), Parameters(scales, np.zeros(1, np.int32)), 0)  # the last of 2×2 positions
    costs.seen(grid.picture, codec.model, codec.deployed)(at, indices, scales, np.zeros(1, np.float32))
    bits = bits_of(scales, indices, codec.deployed.tables_of(step.tables))[0]
    assert costs.bits[4:, 4:] == pytest.approx(np.full((4, 4), bits / 16))
    assert costs.bits_of(grid.picture) == pytest.approx(bits)


def test_what_is_not_latents_is_divided_among_a_tiles_cells():
    grid = Grid(256, 128, 128, 128)
    costs = Costs(grid)
    costs.bits[:4] = 3.0
    costs.settle(grid.tile(0), 64.0)
    assert costs.bits[:4, :8] == pytest.approx(np.full((4, 8), 4.0))
    assert costs.bits[4:, :8] == pytest.approx(np.full((4, 8), 1.0))
    assert (costs.bits[:4, 8:] == 3).all()


def test_an_error_is_worth_lambda_times_its_mean_over_samples():
    costs = Costs(Grid.whole(128, 64))
    costs.errors[1, 2] = 600.0
    assert costs.error_of(Box(0, 0, 128, 64), 12800) == pytest.approx(lambda_at(0.5) * 600 / 3)
    assert costs.error_of(Box(0, 0, 32, 64), 12800) == 0
