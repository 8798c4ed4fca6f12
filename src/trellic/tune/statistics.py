"""Statistics of the indices that a quantizer emits; probability tables and reconstruction offsets from them."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from trellic.codec.analysis import Analysed
from trellic.codec.coding import Pass
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import quantize_in_order
from trellic.codec.positions import Floats
from trellic.entropy.parameters import ONE
from trellic.entropy.states import Indices, ScaleIndices
from trellic.entropy.tables import SCALES, Tables, quantize_distribution
from trellic.kernels import kernel
from trellic.model import Sessions
from trellic.model.schedule import DEPLOYED_TABLES
from trellic.quantize.levels import OFFSETS, Offsets

TABLES_PRIOR = 2000.0
"""How many observations the table before fitting is worth, for each cdf index: it smooths those rarely met."""
OFFSETS_PRIOR = 200.0
"""How many residuals at the level itself a reconstruction offset starts from."""
LARGEST_OFFSET = 0.25
"""In steps."""


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
            column = min(magnitude, OFFSETS) - 1
            number[cdf_indices[n], column] += 1
            total[cdf_indices[n], column] += (residual if indices[n] > 0 else -residual) - level


class Histogram:
    """Counts of magnitudes by cdf index: 0 … radius, then escapes, float64 (cdf indices, largest radius + 2)."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.counts = np.zeros((len(tables.radius), int(tables.radius.max()) + 2))

    def put(self, cdf_indices: ScaleIndices, indices: Indices) -> None:
        """Count a pass."""
        _count(cdf_indices, indices, self.tables.radius, self.counts)

    def add(self, other: "Histogram") -> None:
        """Add another's counts by the same tables."""
        self.counts += other.counts

    def fitted(self) -> Tables:
        """Return tables of the same shape: symmetric, smoothed by the tables before, positive."""
        return Tables.of_frequencies([self._fitted(index) for index in range(len(self.counts))])

    def _fitted(self, index: int) -> npt.NDArray[np.uint32]:
        start, end = self.tables.start[index : index + 2]
        radius = int(self.tables.radius[index])
        before = self.tables.frequency[start:end].astype(np.float64)
        folded = np.concatenate([before[radius : 2 * radius + 1], before[-1:]])
        folded[1:-1] *= 2
        mixed = self.counts[index, : radius + 2] + TABLES_PRIOR * folded / folded.sum()
        return quantize_distribution(mixed[0], mixed[1:-1] / 2, mixed[-1])


class IndexStatistics:
    """All that fitting counts, of one deployed quantizer at any qualities."""

    def __init__(self, deployed: DeployedQuantizer) -> None:
        self.deployed = deployed
        self.rounded = {name: Histogram(tables) for name, tables in deployed.rounded.items()}
        self.histogram = Histogram(deployed.tables)
        self._numbers, self._errors = np.zeros(deployed.offsets.shape), np.zeros(deployed.offsets.shape)

    def count(self, sessions: Sessions, analysed: Analysed) -> None:
        """Quantize an analysed picture, and count every pass."""
        step = self.deployed.at(analysed.quality).step

        def see(at: Pass, indices: Indices, cdf_indices: ScaleIndices, values: Floats) -> None:
            self.put(at, indices, cdf_indices, values, step)

        quantize_in_order(sessions, analysed, self.deployed, see)

    def put(self, at: Pass, indices: Indices, cdf_indices: ScaleIndices, values: Floats, step: int) -> None:
        """Count a pass at a step in 1/1024; `values` are the latents, in coding order."""
        if at.step.tables != DEPLOYED_TABLES:
            self.rounded[at.step.tables].put(cdf_indices, indices)
            return
        self.histogram.put(cdf_indices, indices)
        _add_errors(cdf_indices, indices, values, at.parameters.means, step, self._numbers, self._errors)

    def add(self, other: "IndexStatistics") -> None:
        """Add another's counts of the same deployed quantizer."""
        self.histogram.add(other.histogram)
        for name, histogram in self.rounded.items():
            histogram.add(other.rounded[name])
        self._numbers += other._numbers
        self._errors += other._errors

    def fitted(self) -> DeployedQuantizer:
        """Return the quantizer with tables fitted to the counts."""
        rounded = {name: histogram.fitted() for name, histogram in self.rounded.items()}
        return replace(self.deployed, tables=self.histogram.fitted(), rounded=rounded)

    def offsets(self) -> Offsets:
        """Return offsets that move each level to the mean of the residuals that chose it."""
        shift = np.clip(self._errors / (self._numbers + OFFSETS_PRIOR), -LARGEST_OFFSET, LARGEST_OFFSET)
        offsets: Offsets = np.rint(shift * ONE).astype(np.int16)
        return offsets
