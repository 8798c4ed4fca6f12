"""Probability tables refitted on what a quantizer really emits.

A trained prior promises a Gaussian of some scale; the indices that arrive follow a law with a sharper peak and longer
tails. Counting them, row by row, on training pictures gives tables that cost fewer bits for the same indices.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from trellic.codec.encoder import analyse, quantize_in_order
from trellic.codec.quantization import Quantization
from trellic.entropy.rans import Indices, Rows
from trellic.entropy.tables import ROWS, Tables, quantize_distribution
from trellic.image import Picture
from trellic.model.networks import Networks

PRIOR_COUNT = 2000.0
"""How many observations the table before refitting is worth, in each row: what smooths rows that are rarely met."""


class Histogram:
    """Counts of magnitudes by row: 0 … radius, then escapes, float64 (radius + 2,) each."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.counts = [np.zeros(radius + 2) for radius in tables.radius]

    def put(self, rows: Rows, indices: Indices) -> None:
        """Count a pass."""
        for row in np.unique(rows):
            radius = int(self.tables.radius[row])
            magnitudes = np.minimum(np.abs(indices[rows == row]), radius + 1)
            self.counts[row] += np.bincount(magnitudes, minlength=radius + 2)

    def fitted(self) -> Tables:
        """Return tables of the same shape: symmetric, smoothed by the tables before, positive."""
        return Tables.of_frequencies([self._fitted_row(row) for row in range(ROWS)])

    def _fitted_row(self, row: int) -> npt.NDArray[np.uint32]:
        start, end = self.tables.start[row : row + 2]
        radius = int(self.tables.radius[row])
        before = self.tables.frequency[start:end].astype(np.float64)
        folded = np.concatenate([before[radius : 2 * radius + 1], before[-1:]])
        folded[1:-1] *= 2
        mixed = self.counts[row] + PRIOR_COUNT * folded / folded.sum()
        return quantize_distribution(mixed[0], mixed[1:-1] / 2, mixed[-1])


def count_indices(
    networks: Networks,
    pictures: Sequence[Callable[[], Picture]],
    qualities: Sequence[int],
    quantization: Quantization,
    progress: Callable[[], None] = lambda: None,
) -> Histogram:
    """Return the histogram of the indices of pictures, each at every quality in 1/256 of a point."""
    histogram = Histogram(quantization.tables)
    for picture in pictures:
        analysed = analyse(networks, picture().pixels)
        for quality in qualities:
            quantize_in_order(networks, analysed, quality, quantization, histogram.put)
        progress()
    return histogram
