"""Fitted tables are proper tables, and cost fewer bits for what they were fitted to."""

import numpy as np

from trellic.codec.analysis import analyse
from trellic.codec.coding import Pass
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import encode_latents
from trellic.entropy.bits import estimate_bits
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.tables import SCALES, Tables, gaussian_tables
from trellic.model import Sessions
from trellic.model.schedule import ALL, Code
from trellic.quantize import quantizer_named
from trellic.tune.statistics import Histogram, IndexStatistics


def test_tables_without_observations_stay_as_they_are():
    tables = gaussian_tables(2)
    change = np.abs(Histogram(tables).fitted().frequency.astype(int) - tables.frequency)
    assert np.add.reduceat(change, tables.start[:-1]).max() < 0.05 * (1 << 16)


def test_peaked_indices_cost_fewer_bits_with_fitted_tables():
    tables, random = gaussian_tables(), np.random.default_rng(0)
    cdf_indices = np.full(50_000, 24, np.uint8)
    indices = np.rint(random.laplace(size=len(cdf_indices)) * 1.2).astype(np.int32)
    histogram = Histogram(tables)
    histogram.put(cdf_indices, indices)
    fitted = histogram.fitted()
    assert estimate_bits(cdf_indices, indices, fitted) < 0.98 * estimate_bits(cdf_indices, indices, tables)
    assert np.array_equal(Tables.of_flat(fitted.frequency).radius, tables.radius)


def test_a_few_observations_change_tables_little():
    tables = gaussian_tables()
    histogram = Histogram(tables)
    histogram.put(np.full(20, 24, np.uint8), np.full(20, 3, np.int32))
    start, end = tables.start[24:26]
    change = np.abs(histogram.fitted().frequency.astype(int) - tables.frequency)[start:end]
    assert 0 < change.sum() < 0.05 * (1 << 16)


def test_offsets_are_the_mean_of_the_residuals_behind_an_index():
    statistics = IndexStatistics(DeployedQuantizer.plain(quantizer_named("tcq8"), 2 * ONE, 0.02))
    count = 100_000
    scales = np.full(count, 20, np.uint8)
    at = Pass(
        Code("y", 0, 1, ALL, "mean", "log_scale"),
        np.arange(count, dtype=np.int32),
        Parameters(scales, np.zeros(count, np.int32)),
        0,
    )
    values = np.full(count, 2 * 1.5 - 2 * 0.1, np.float32)  # of set Q1, where index 2 is one and a half steps
    statistics.put(at, np.full(count, 2, np.int32), scales + np.uint8(SCALES), values, 2 * ONE)
    offsets = statistics.offsets()
    assert abs(int(offsets[20 + SCALES, 1]) + round(0.1 * ONE)) <= 1
    assert np.count_nonzero(offsets) == 1


def test_statistics_see_every_index_and_fitting_saves_bits(model, pictures):
    sessions = Sessions(model)
    analysed = analyse(sessions, pictures[0].pixels, 12800)
    before = DeployedQuantizer.of(model, quantizer_named("uniform"))
    statistics = IndexStatistics(before)
    statistics.count(sessions, analysed)
    assert statistics.rounded["z"].counts.sum() == analysed.targets["z"].size
    assert 0 < statistics.histogram.counts.sum() <= analysed.targets["y"].size
    bits = [encode_latents(sessions, analysed, each).estimated_bits for each in (before, statistics.fitted())]
    assert bits[1] < bits[0]


def test_counts_of_parts_add_up(model, pictures):
    sessions = Sessions(model)
    deployed = DeployedQuantizer.of(model, quantizer_named("tcq8"))
    whole, total = IndexStatistics(deployed), IndexStatistics(deployed)
    for picture in pictures:
        analysed, part = analyse(sessions, picture.pixels, 12800), IndexStatistics(deployed)
        whole.count(sessions, analysed)
        part.count(sessions, analysed)
        total.add(part)
    assert np.array_equal(whole.fitted().tables.frequency, total.fitted().tables.frequency)
    assert np.array_equal(whole.offsets(), total.offsets())


def test_offsets_of_negative_indices_are_those_of_their_magnitudes():
    statistics = IndexStatistics(DeployedQuantizer.plain(quantizer_named("rdoq"), ONE, 0.02))
    count = 100_000
    scales, sign = np.full(count, 30, np.uint8), np.where(np.arange(count) % 2, 1, -1)
    at = Pass(
        Code("y", 0, 1, ALL, "mean", "log_scale"),
        np.arange(count, dtype=np.int32),
        Parameters(scales, np.zeros(count, np.int32)),
        0,
    )
    statistics.put(at, sign.astype(np.int32), scales, (0.9 * sign).astype(np.float32), ONE)
    assert abs(int(statistics.offsets()[30, 0]) + round(0.1 * ONE)) <= 1
    statistics.put(at, sign.astype(np.int32), scales, (9.0 * sign).astype(np.float32), ONE)
    assert statistics.offsets()[30, 0] == ONE // 4  # the bound
