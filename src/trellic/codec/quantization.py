"""A quantizer with all that it needs at one model: its tables and points, and its step and strength at each quality."""

from dataclasses import dataclass, replace

import numpy as np

from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.machine import Machine
from trellic.entropy.tables import Tables, gaussian_tables
from trellic.model.networks import Networks
from trellic.quantize import Quantizer, Setting
from trellic.quantize.levels import Points, no_points


@dataclass(frozen=True)
class Quantization:
    """A quantizer as a model is set up for it.

    side_tables  of the side information, which every quantizer codes alike
    knots        (quality 0 to 1, step in 1/1024, strength), quality rising; linear in between; for the encoder only
    """

    quantizer: Quantizer
    tables: Tables
    points: Points
    side_tables: Tables
    knots: tuple[tuple[float, float, float], ...]

    @classmethod
    def of(cls, networks: Networks, quantizer: Quantizer) -> "Quantization":
        """Return the quantizer as the model is set up for it. Raises BadRequest where it is not."""
        knots = networks.knots(quantizer.name) or ((0.0, float(quantizer.step), quantizer.strength),)
        kinds = int(quantizer.machine.kinds.max()) + 1
        tables, points = networks.tables_for(quantizer.name, kinds)
        return cls(quantizer, tables, points, networks.side_tables, knots)

    @classmethod
    def plain(cls, quantizer: Quantizer, step: int, strength: float) -> "Quantization":
        """Return the quantizer with Gaussian tables, levels where they are, and one step, in 1/1024, and strength."""
        kinds = int(quantizer.machine.kinds.max()) + 1
        knots = ((0.0, float(step), strength),)
        return cls(quantizer, gaussian_tables(kinds), no_points(kinds), gaussian_tables(), knots)

    def with_setting(self, step: int, strength: float) -> "Quantization":
        """Return the quantization with one step, in 1/1024, and one strength at every quality."""
        return replace(self, knots=((0.0, float(step), strength),))

    @property
    def machine(self) -> Machine:
        """The state machine that chooses between kinds of tables."""
        return self.quantizer.machine

    def at(self, quality: int) -> Setting:
        """Return what the encoder works with at a quality in 1/256 of a point."""
        share = quality / HIGHEST_QUALITY
        qualities, steps, strengths = zip(*self.knots, strict=True)
        step = round(float(np.interp(share, qualities, steps)))
        return Setting(self.tables, self.points, step, float(np.interp(share, qualities, strengths)))

    def read(self, step: int) -> Setting:
        """Return what a decoder needs, given a stream's step in 1/1024."""
        return Setting(self.tables, self.points, step, 0.0)
