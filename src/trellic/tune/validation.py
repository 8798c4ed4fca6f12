"""Rate and distortion of validation pictures under any parameters of a quantizer, by tables fitted to each trial."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from trellic.codec.analysis import Analysed, analyse
from trellic.codec.coding import Pass
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Coded, quantize_in_order, reconstruct
from trellic.codec.positions import Floats
from trellic.container.header import QUALITY_ONE
from trellic.entropy.bits import estimate_bits
from trellic.entropy.states import Indices, ScaleIndices
from trellic.errors import NoPictures
from trellic.metrics import psnr
from trellic.model import Model, Sessions
from trellic.picture.types import Picture
from trellic.processors import processors
from trellic.tune.statistics import IndexStatistics


class Point(NamedTuple):
    """Bits per pixel and PSNR in dB, means over pictures."""

    rate: float
    psnr: float


class _Trial(NamedTuple):
    """One picture, quantized: its statistics, its passes as (name of tables, cdf indices, indices), and its PSNR."""

    statistics: IndexStatistics
    passes: list[tuple[str, ScaleIndices, Indices]]
    pixels: int
    psnr: float

    def rate(self, fitted: DeployedQuantizer) -> float:
        """Return the bits per pixel that a quantizer's tables promise."""
        bits = (estimate_bits(scales, indices, fitted.tables_of(name)) for name, scales, indices in self.passes)
        return sum(bits) / self.pixels


class Validation:
    """Validation pictures, analysed once at each quality, and the model's networks."""

    def __init__(self, model: Model, pictures: Sequence[Picture]) -> None:
        """Take pictures. Raises NoPictures where there are none."""
        if not pictures:
            raise NoPictures("none of the pictures can be read")
        self.sessions, self.pictures = Sessions(model, threads=1), pictures  # several pictures at a time
        self._analysed: dict[int, list[Analysed]] = {}

    def analysed(self, quality: int) -> list[Analysed]:
        """Return the pictures' variables at a quality, 0 to 100."""
        if quality not in self._analysed:
            at = quality * QUALITY_ONE
            with ThreadPoolExecutor(processors()) as pool:
                found = pool.map(lambda picture: analyse(self.sessions, picture.pixels, at), self.pictures)
                self._analysed[quality] = list(found)
        return self._analysed[quality]

    def fitted(self, deployed: DeployedQuantizer, qualities: Sequence[int]) -> DeployedQuantizer:
        """Return a quantizer with tables fitted to its indices at all qualities."""
        trials = [trial for quality in qualities for trial in self._trials(deployed, quality)]
        return _fitted(deployed, trials)

    def measure(self, deployed: DeployedQuantizer, quality: int) -> Point:
        """Return the rate, by tables fitted to these very indices, and the PSNR at a quality, 0 to 100."""
        trials = self._trials(deployed, quality)
        fitted = _fitted(deployed, trials)
        rates = [trial.rate(fitted) for trial in trials]
        return Point(float(np.mean(rates)), float(np.mean([trial.psnr for trial in trials])))

    def _trials(self, deployed: DeployedQuantizer, quality: int) -> list[_Trial]:
        pairs = zip(self.pictures, self.analysed(quality), strict=True)
        with ThreadPoolExecutor(processors()) as pool:
            return list(pool.map(lambda pair: self._trial(deployed, *pair), pairs))

    def _trial(self, deployed: DeployedQuantizer, picture: Picture, analysed: Analysed) -> _Trial:
        statistics, passes = IndexStatistics(deployed), []
        step = deployed.at(analysed.quality).step

        def see(at: Pass, indices: Indices, cdf_indices: ScaleIndices, values: Floats) -> None:
            statistics.put(at, indices, cdf_indices, values, step)
            passes.append((at.step.tables, cdf_indices, indices))

        decoded = quantize_in_order(self.sessions, analysed, deployed, see)
        shown = reconstruct(self.sessions, Coded(b"", 0.0, decoded), analysed)
        return _Trial(statistics, passes, analysed.width * analysed.height, psnr(picture.pixels, shown))


def _fitted(deployed: DeployedQuantizer, trials: Sequence[_Trial]) -> DeployedQuantizer:
    total = IndexStatistics(deployed)
    for trial in trials:
        total.add(trial.statistics)
    return total.fitted()
