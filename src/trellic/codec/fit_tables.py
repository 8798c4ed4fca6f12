"""Probability tables and reconstruction points refitted on what a quantizer really emits.

A trained prior promises a Gaussian of some scale; the indices that arrive follow a law with a sharper peak and longer
tails, more so where a search chose them. Counting them, table by table, on training pictures gives tables that cost
fewer bits for the same indices.

The mean of the residuals behind an index is where its level should lie, for the squared error of latents. A synthesis
that was trained on the levels themselves has learned that shift already, and takes it twice: points are moved only
where it will be trained on them.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from trellic.codec.encoder import Analysed, analyse, quantize_in_order
from trellic.codec.quantization import Quantization
from trellic.container.header import QUALITY_ONE
from trellic.entropy.machine import Indices, Rows
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.tables import ROWS, Tables, quantize_distribution
from trellic.errors import NoPictures
from trellic.kernels import kernel
from trellic.model.networks import Floats, Networks
from trellic.picture.types import Picture
from trellic.quantize.levels import POINTS, Points

QUALITIES = tuple(quality * QUALITY_ONE for quality in (0, 20, 40, 60, 80, 100))
"""At which indices are counted, in 1/256 of a point."""
PRIOR_COUNT = 2000.0
"""How many observations the table before refitting is worth, in each row: what smooths rows that are rarely met."""
POINT_PRIOR = 200.0
"""How many residuals at the level itself a reconstruction point starts from."""

Float64s = npt.NDArray[np.float64]


@kernel
def _count(rows, indices, radius, counts):  # type: ignore[no-untyped-def]
    for n in range(len(rows)):
        counts[rows[n], min(abs(indices[n]), radius[rows[n]] + 1)] += 1


@kernel
def _add_errors(rows, indices, line, means, step, number, total):  # type: ignore[no-untyped-def]
    for n in range(len(rows)):
        if indices[n] != 0:
            residual = (line[n] * np.float64(ONE) - means[n]) / step
            magnitude = abs(indices[n])
            level = magnitude - 0.5 * (rows[n] // ROWS)
            point = min(magnitude, POINTS) - 1
            number[rows[n], point] += 1
            total[rows[n], point] += (residual if indices[n] > 0 else -residual) - level


class Histogram:
    """Counts of magnitudes by table row: 0 … radius, then escapes, float64 (table rows, largest radius + 2)."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.counts = np.zeros((len(tables.radius), int(tables.radius.max()) + 2))

    def put(self, rows: Rows, indices: Indices) -> None:
        """Count a pass."""
        _count(rows, indices, self.tables.radius, self.counts)

    def fitted(self) -> Tables:
        """Return tables of the same shape: symmetric, smoothed by the tables before, positive."""
        return Tables.of_frequencies([self._fitted_row(row) for row in range(len(self.counts))])

    def _fitted_row(self, row: int) -> npt.NDArray[np.uint32]:
        start, end = self.tables.start[row : row + 2]
        radius = int(self.tables.radius[row])
        before = self.tables.frequency[start:end].astype(np.float64)
        folded = np.concatenate([before[radius : 2 * radius + 1], before[-1:]])
        folded[1:-1] *= 2
        mixed = self.counts[row, : radius + 2] + PRIOR_COUNT * folded / folded.sum()
        return quantize_distribution(mixed[0], mixed[1:-1] / 2, mixed[-1])


class Census:
    """All that refitting counts, of one quantization at any qualities; a sink of `quantize_in_order`."""

    def __init__(self, quantization: Quantization) -> None:
        self.quantization = quantization
        self.step = ONE
        self.pictures = 0
        self.side_counts = Histogram(quantization.side_tables)
        self.latent_counts = Histogram(quantization.tables)
        self._numbers, self._errors = np.zeros(quantization.points.shape), np.zeros(quantization.points.shape)

    def count(self, networks: Networks, analysed: Analysed, qualities: Sequence[int]) -> None:
        """Count a picture at every quality in 1/256 of a point."""
        self.pictures += 1
        for quality in qualities:
            self.step = self.quantization.at(quality).step
            quantize_in_order(networks, analysed, quality, self.quantization, self)

    def side(self, rows: Rows, indices: Indices) -> None:
        """Count side information."""
        self.side_counts.put(rows, indices)

    def latents(self, table_rows: Rows, indices: Indices, line: Floats, parameters: Parameters) -> None:
        """Count a pass."""
        self.latent_counts.put(table_rows, indices)
        _add_errors(table_rows, indices, line, parameters.means, self.step, self._numbers, self._errors)

    def refit(self) -> Quantization:
        """Return the quantization with the tables that were counted."""
        return replace(self.quantization, tables=self.latent_counts.fitted(), side_tables=self.side_counts.fitted())

    def points(self) -> Points:
        """Return points that move each level to the mean of the residuals that chose it."""
        shift = np.clip(self._errors / (self._numbers + POINT_PRIOR), -0.25, 0.25)
        points: Points = np.rint(shift * ONE).astype(np.int16)
        return points


def take_census(
    networks: Networks, pictures: Iterable[Picture], qualities: Sequence[int], quantizations: Sequence[Quantization]
) -> list[Census]:
    """Count pictures at every quality in 1/256 of a point, several quantizations at a time.

    Raises NoPictures where there are none.
    """
    censuses = [Census(quantization) for quantization in quantizations]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for picture in pictures:
            analysed = analyse(networks, picture.pixels)
            list(pool.map(lambda census: census.count(networks, analysed, qualities), censuses))  # noqa: B023 — done within
    if not censuses[0].pictures:
        raise NoPictures("none of the pictures can be read")
    return censuses
