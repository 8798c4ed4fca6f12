"""Refitted tables are proper tables, and cost fewer bits for what they were fitted on."""

import numpy as np

from conftest import textured
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import analyse, code
from trellic.codec.fit_tables import Census, Histogram, take_census
from trellic.container.header import QUALITY_ONE
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.rans import estimate_bits
from trellic.entropy.tables import SCALES, Tables, gaussian_tables
from trellic.picture.types import Picture
from trellic.quantize import quantizer_named


def test_tables_without_observations_stay_as_they_are():
    tables = gaussian_tables(sets=2)
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


def test_offsets_are_the_mean_of_the_residuals_behind_an_index(codec):
    deployed = DeployedQuantizer.of(codec.networks, quantizer_named("tcq8"))
    census = Census(deployed)
    census.step = 2 * ONE
    count = 100_000
    cdf_indices = np.full(count, 20 + SCALES, np.uint8)  # Q1: index 2 is the level at one and a half steps
    line = np.full(count, 2 * 1.5 - 2 * 0.1, np.float32)
    census.latents(cdf_indices, np.full(count, 2, np.int32), line, Parameters(cdf_indices, np.zeros(count, np.int32)))
    offsets = census.offsets()
    assert abs(int(offsets[20 + SCALES, 1]) + round(0.1 * ONE)) <= 1
    assert np.count_nonzero(offsets) == 1


def test_refitting_sees_every_index_and_takes_fewer_bits(codec):
    picture = Picture(textured(256, 256))
    qualities = [50 * QUALITY_ONE]
    analysed = analyse(codec.networks, picture.pixels)
    for name in ("uniform", "tcq8"):
        before = DeployedQuantizer.of(codec.networks, quantizer_named(name))
        census = Census(before)
        census.count(codec.networks, analysed, qualities)
        assert census.z_counts.counts.sum() == codec.networks.z_channels * (256 // 64) ** 2
        assert 0 < census.latent_counts.counts.sum() < codec.networks.latents * (256 // 16) ** 2
        (counted,) = take_census(codec.networks, [picture], qualities, [before])
        after = counted.refit()
        bits = [code(codec.networks, analysed, qualities[0], each).estimated_bits for each in (before, after)]
        if name == "uniform":  # a search may also spend what it saves on fidelity
            assert bits[1] < bits[0]
