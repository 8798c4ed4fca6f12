"""The weight of a loss, found while training: an integrator that keeps a measure at what it should be.

Runs are comparable where they have the same distortion; how much of the adversary that takes is not known beforehand.
"""

import math

GAIN = 0.01
"""Change of the weight's logarithm in one step, where the measure is off by a factor of e."""
LEAST, MOST = 1e-2, 10.0
MEMORY = 0.95
"""Of the running mean of the measure, which is noisy."""


class Integrator:
    """A weight that rises while a measure is below its target, and falls while it is above."""

    def __init__(self, target: float, weight: float) -> None:
        self.target, self.weight, self.mean = target, weight, target

    def update(self, measured: float) -> None:
        """Take note of the measure of a step."""
        self.mean = MEMORY * self.mean + (1 - MEMORY) * measured
        changed = self.weight * math.exp(GAIN * math.log(self.target / self.mean))
        self.weight = min(max(changed, LEAST), MOST)
