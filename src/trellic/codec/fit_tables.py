"""Probability tables and reconstruction offsets refitted on what a quantizer really emits.

A trained prior promises a Gaussian of some scale; the indices that arrive follow a law with a sharper peak and longer
tails, more so where a search chose them. Counting them, table by table, on training pictures gives tables that cost
fewer bits for the same indices.

The mean of the residuals behind an index is where its level should lie, for the squared error of latents. A synthesis
that was trained on the levels themselves has learned that shift already, and takes it twice: offsets are moved only
where it will be trained on them.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Analysed, analyse, quantize_in_order
from trellic.container.header import QUALITY_ONE
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import CdfIndices, Indices, ScaleIndices
from trellic.entropy.tables import SCALES, Tables, quantize_distribution
from trellic.errors import NoPictures
from trellic.kernels import kernel
from trellic.model.networks import Floats, Networks
from trellic.picture.types import Picture
from trellic.quantize.levels import OFFSETS, Offsets

QUALITIES = tuple(quality * QUALITY_ONE for quality in (0, 20, 40, 60, 80, 100))
"""At which indices are counted, in 1/256 of a point."""
PRIOR_COUNT = 2000.0
"""How many observations the table before refitting is worth, for each cdf index: it smooths tables rarely met."""
OFFSET_PRIOR = 200.0
"""How many residuals at the level itself a reconstruction point starts from."""

Float64s = npt.NDArray[np.float64]


@kernel
def _count(cdf_indices, indices, radius, counts):  # type: ignore[no-untyped-def]
    for n in range(len(cdf_indices)):
        counts[cdf_indices[n], min(abs(indices[n]), radius[cdf_indices[n]] + 1)] += 1


@kernel
def _add_errors(cdf_indices, indices, values, means, step, number, total):  # type: ignore[no-untyped-def]
    for n in range(len(cdf_indices)):
        if indices[n] != 0:
            residual = (values[n] * np.float64(ONE) - means[n]) / step
            magnitude = abs(indices[n])
            level = magnitude - 0.5 * (cdf_indices[n] // SCALES)
            offset = min(magnitude, OFFSETS) - 1
            number[cdf_indices[n], offset] += 1
            total[cdf_indices[n], offset] += (residual if indices[n] > 0 else -residual) - level


class Histogram:
    """Counts of magnitudes by cdf index: 0 … radius, then escapes, float64 (cdf indices, largest radius + 2)."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.counts = np.zeros((len(tables.radius), int(tables.radius.max()) + 2))

    def put(self, cdf_indices: CdfIndices, indices: Indices) -> None:
        """Count a pass."""
        _count(cdf_indices, indices, self.tables.radius, self.counts)

    def fitted(self) -> Tables:
        """Return tables of the same shape: symmetric, smoothed by the tables before, positive."""
        return Tables.of_frequencies([self._fitted(cdf_index) for cdf_index in range(len(self.counts))])

    def _fitted(self, cdf_index: int) -> npt.NDArray[np.uint32]:
        start, end = self.tables.start[cdf_index : cdf_index + 2]
        radius = int(self.tables.radius[cdf_index])
        before = self.tables.frequency[start:end].astype(np.float64)
        folded = np.concatenate([before[radius : 2 * radius + 1], before[-1:]])
        folded[1:-1] *= 2
        mixed = self.counts[cdf_index, : radius + 2] + PRIOR_COUNT * folded / folded.sum()
        return quantize_distribution(mixed[0], mixed[1:-1] / 2, mixed[-1])


class Census:
    """All that refitting counts, of one deployed quantizer at any qualities; a sink of `quantize_in_order`."""

    def __init__(self, deployed: DeployedQuantizer) -> None:
        self.deployed = deployed
        self.step = ONE
        self.pictures = 0
        self.z_counts = Histogram(deployed.z_tables)
        self.latent_counts = Histogram(deployed.tables)
        self._numbers, self._errors = np.zeros(deployed.offsets.shape), np.zeros(deployed.offsets.shape)

    def count(self, networks: Networks, analysed: Analysed, qualities: Sequence[int]) -> None:
        """Count a picture at every quality in 1/256 of a point."""
        self.pictures += 1
        for quality in qualities:
            self.step = self.deployed.at(quality).step
            quantize_in_order(networks, analysed, quality, self.deployed, self)

    def z(self, scale_indices: ScaleIndices, indices: Indices) -> None:
        """Count z."""
        self.z_counts.put(scale_indices, indices)

    def latents(self, cdf_indices: CdfIndices, indices: Indices, values: Floats, parameters: Parameters) -> None:
        """Count a pass."""
        self.latent_counts.put(cdf_indices, indices)
        _add_errors(cdf_indices, indices, values, parameters.means, self.step, self._numbers, self._errors)

    def refit(self) -> DeployedQuantizer:
        """Return the quantizer with the tables that were counted."""
        return replace(self.deployed, tables=self.latent_counts.fitted(), z_tables=self.z_counts.fitted())

    def offsets(self) -> Offsets:
        """Return offsets that move each level to the mean of the residuals that chose it."""
        shift = np.clip(self._errors / (self._numbers + OFFSET_PRIOR), -0.25, 0.25)
        offsets: Offsets = np.rint(shift * ONE).astype(np.int16)
        return offsets


def take_census(
    networks: Networks, pictures: Iterable[Picture], qualities: Sequence[int], quantizers: Sequence[DeployedQuantizer]
) -> list[Census]:
    """Count pictures at every quality in 1/256 of a point, several quantizers at a time.

    Raises NoPictures where there are none.
    """
    censuses = [Census(deployed) for deployed in quantizers]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for picture in pictures:
            analysed = analyse(networks, picture.pixels)
            list(pool.map(lambda census: census.count(networks, analysed, qualities), censuses))  # noqa: B023 — done within
    if not censuses[0].pictures:
        raise NoPictures("none of the pictures can be read")
    return censuses
