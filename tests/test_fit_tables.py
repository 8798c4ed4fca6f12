"""Refitted tables are proper tables, and cost fewer bits for what they were fitted on."""

import numpy as np

from conftest import textured
from trellic.codec import Target
from trellic.codec.fit_tables import Histogram, count_indices
from trellic.entropy.rans import estimate_bits
from trellic.entropy.tables import Tables, gaussian_tables
from trellic.image import Picture


def test_tables_without_observations_stay_as_they_are():
    tables = gaussian_tables()
    change = np.abs(Histogram(tables).fitted().frequency.astype(int) - tables.frequency)
    assert np.add.reduceat(change, tables.start[:-1]).max() < 0.05 * (1 << 16)


def test_peaked_indices_cost_fewer_bits_with_fitted_tables():
    tables, random = gaussian_tables(), np.random.default_rng(0)
    rows = np.full(50_000, 24, np.uint8)
    indices = np.rint(random.laplace(size=len(rows)) * 1.2).astype(np.int32)
    histogram = Histogram(tables)
    histogram.put(rows, indices)
    fitted = histogram.fitted()
    assert estimate_bits(rows, indices, fitted) < 0.98 * estimate_bits(rows, indices, tables)
    assert np.array_equal(Tables.of_flat(fitted.frequency).radius, tables.radius)


def test_counting_sees_every_index(codec):
    picture = Picture(textured(64, 128))
    histogram = count_indices(codec.networks, [lambda: picture], [12800], codec.quantization)
    positions = 64 * 128 // 256
    side = codec.networks.side * positions // 16
    assert sum(count.sum() for count in histogram.counts) == codec.networks.latents * positions + side
    assert codec.encode_picture(picture, Target(50)).data
