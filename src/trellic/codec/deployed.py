"""The deployed quantizer: a quantizer with the tables, offsets and operating points that a model has for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.states import States
from trellic.entropy.tables import Tables, gaussian_tables
from trellic.model import Model
from trellic.model.schedule import DEPLOYED_TABLES
from trellic.quantize import Quantizer, QuantizerParameters, relatives
from trellic.quantize.levels import Offsets, no_offsets
from trellic.quantize.settings import OperatingPoint


@dataclass(frozen=True)
class DeployedQuantizer:
    """A quantizer as a model is set up for it.

    rounded           tables of the passes that are plainly rounded, by name; every quantizer codes them alike
    operating_points  qualities rising, linear in between; rate weights are for the encoder only
    """

    quantizer: Quantizer
    tables: Tables
    offsets: Offsets
    rounded: Mapping[str, Tables]
    operating_points: tuple[OperatingPoint, ...]

    @classmethod
    def of(cls, model: Model, quantizer: Quantizer) -> "DeployedQuantizer":
        """Return the quantizer as the model is set up for it, or for its nearest relative. Raises BadRequest."""
        names = [one.name for one in relatives(quantizer)]
        points = next(filter(None, map(model.operating_points, names)), ())
        fitted = next(filter(model.has_tables, names), quantizer.name)
        tables, offsets = quantizer.fixed() if quantizer.fixed else model.tables_for(fitted, quantizer.states.set_count)
        plain = OperatingPoint(0.0, float(quantizer.step), quantizer.rate_weight)
        return cls(quantizer, tables, offsets, model.rounded_tables, points or (plain,))

    @classmethod
    def plain(cls, quantizer: Quantizer, step: int, rate_weight: float) -> "DeployedQuantizer":
        """Return the quantizer with Gaussian tables, of z too, no offsets, one step, in 1/1024, and one rate weight."""
        sets = quantizer.states.set_count
        point = OperatingPoint(0.0, float(step), rate_weight)
        return cls(quantizer, gaussian_tables(sets), no_offsets(sets), {"z": gaussian_tables()}, (point,))

    def with_parameters(self, step: int, rate_weight: float) -> "DeployedQuantizer":
        """Return the same with one step, in 1/1024, and one rate weight at every quality."""
        return replace(self, operating_points=(OperatingPoint(0.0, float(step), rate_weight),))

    @property
    def states(self) -> States:
        """The trellis states, which choose between level sets."""
        return self.quantizer.states

    def tables_of(self, name: str) -> Tables:
        """Return the tables that a pass of the schedule names."""
        return self.tables if name == DEPLOYED_TABLES else self.rounded[name]

    def at(self, quality: int) -> QuantizerParameters:
        """Return the encoder's parameters at a quality in 1/256 of a point."""
        fraction = quality / HIGHEST_QUALITY
        qualities, _, rate_weights = zip(*self.operating_points, strict=True)
        rate_weight = float(np.interp(fraction, qualities, rate_weights))
        return QuantizerParameters(self.tables, self.offsets, self.step_at(quality), rate_weight)

    def step_at(self, quality: int) -> int:
        """Return the step in 1/1024 at a quality in 1/256 of a point, the same on every processor.

        Operating points are rounded to such units, and what lies between two is interpolated in integers.
        """
        points = [(round(point.quality * HIGHEST_QUALITY), round(point.step)) for point in self.operating_points]
        for (low, before), (high, after) in pairwise(points):
            if low <= quality < high:
                return (before * (high - quality) + after * (quality - low) + (high - low) // 2) // (high - low)
        return points[0][1] if quality < points[0][0] else points[-1][1]

    def for_step(self, step: int) -> QuantizerParameters:
        """Return a decoder's parameters, given a stream's step in 1/1024."""
        return QuantizerParameters(self.tables, self.offsets, step, 0.0)
