"""A quantizer as a model deploys it: its tables and offsets, and its step and rate weight at each quality."""

from dataclasses import dataclass, replace

import numpy as np

from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.states import States
from trellic.entropy.tables import Tables, gaussian_tables
from trellic.model.networks import Networks
from trellic.quantize import OperatingPoint, Quantizer, QuantizerParameters
from trellic.quantize.levels import Offsets, no_offsets


@dataclass(frozen=True)
class DeployedQuantizer:
    """A quantizer as a model is set up for it.

    z_tables          of z, which every quantizer codes alike
    operating_points  quality rising; linear in between; for the encoder only
    """

    quantizer: Quantizer
    tables: Tables
    offsets: Offsets
    z_tables: Tables
    operating_points: tuple[OperatingPoint, ...]

    @classmethod
    def of(cls, networks: Networks, quantizer: Quantizer) -> "DeployedQuantizer":
        """Return the quantizer as the model is set up for it. Raises BadRequest where it is not."""
        operating_points = networks.operating_points(quantizer.name) or (
            OperatingPoint(0.0, float(quantizer.step), quantizer.rate_weight),
        )
        sets = quantizer.states.set_count
        tables, offsets = networks.tables_for(quantizer.name, sets)
        return cls(quantizer, tables, offsets, networks.z_tables, operating_points)

    @classmethod
    def plain(cls, quantizer: Quantizer, step: int, rate_weight: float) -> "DeployedQuantizer":
        """Return the quantizer with Gaussian tables, no offsets, and one step, in 1/1024, and rate weight."""
        sets = quantizer.states.set_count
        operating_points = (OperatingPoint(0.0, float(step), rate_weight),)
        return cls(quantizer, gaussian_tables(sets), no_offsets(sets), gaussian_tables(), operating_points)

    def with_operating_point(self, step: int, rate_weight: float) -> "DeployedQuantizer":
        """Return the quantizer with one step, in 1/1024, and one rate weight at every quality."""
        return replace(self, operating_points=(OperatingPoint(0.0, float(step), rate_weight),))

    @property
    def states(self) -> States:
        """The trellis states that choose between sets of levels."""
        return self.quantizer.states

    def at(self, quality: int) -> QuantizerParameters:
        """Return what the encoder works with at a quality in 1/256 of a point."""
        fraction = quality / HIGHEST_QUALITY
        qualities, steps, rate_weights = zip(*self.operating_points, strict=True)
        step = round(float(np.interp(fraction, qualities, steps)))
        return QuantizerParameters(self.tables, self.offsets, step, float(np.interp(fraction, qualities, rate_weights)))

    def read(self, step: int) -> QuantizerParameters:
        """Return what a decoder needs, given a stream's step in 1/1024."""
        return QuantizerParameters(self.tables, self.offsets, step, 0.0)
