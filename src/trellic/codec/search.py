"""The encoder's search: latents are chosen for the picture that a decoder shows, not for the analysis's latents.

A trellis takes the latents' squared error, weighted by channel, for the picture's. But errors of neighbouring latents
add up in the picture, and no analysis is the best for every picture. So, in each round, the gradient of the picture's
squared error by the decoded latents, and by the means that they predict, is computed, the targets of the trellis move
against it, and the trellis runs again. Errors are correlated: steps as long as the curvature of each channel suggests
would overshoot. Targets therefore move by a small part of it, which also averages the noise of quantization.

The best round is kept: that of the least bits and squared error, weighed by the slope of the rate-distortion curve. So
the result is never worse than the trellis alone. Decoders are not concerned.
Sources: Parikh and Boyd, Proximal Algorithms (2014); Hutchinson, a stochastic estimator of the trace (1990).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from trellic.codec.coding import scalar
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Analysed, Coded, encode_latents
from trellic.codec.reverse import through_predictions
from trellic.codec.tiles import Window
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import ONE
from trellic.errors import DamagedModel
from trellic.model import Sessions
from trellic.model.model import GRADIENT, Floats

ROUNDS = 10
FIRST_STEP, LAST_STEP = 0.1, 0.03
"""Of the way to where the curvature says that the error is least, how much targets move in the first and last round."""
LAST_RATE_WEIGHT = 0.044
"""The rate weight of the last round, unless the calibrated one, with which the first begins, is larger."""
SLOPE = 0.09
"""The slope of the rate-distortion curve: the squared error, in steps², that a bit is worth.

Measured on validation pictures, between which it varies; one value serves all qualities.
"""
LEAST_CURVATURE, LEAST_SHOWN = 0.05, 0.01
"""Beside the mean; and the least fraction of samples that are neither black nor full, of a picture that is searched."""


@dataclass(frozen=True)
class Shown:
    """What decoded latents show: half the gradient of the squared error by them, the samples, and the squared error."""

    gradient: Floats
    samples: Floats
    error: float


class Objective:
    """The weighted squared error of a tile's picture, in 8-bit units, among surroundings as the analysis has them."""

    def __init__(self, sessions: Sessions, window: Window, analysed: Analysed) -> None:
        self.sessions, self.analysed = sessions, analysed
        self.follows = bool(sessions.model.adjoints)
        self.stride = sessions.model.schedule.variables["y"].stride
        self.own = window.tile.within(window.around, self.stride)
        self.target = np.ascontiguousarray(window.pixels.transpose(2, 0, 1)).astype(np.float32)
        self.weights = np.ones((1, *self.target.shape[1:]), np.float32)
        height, width = window.own.shape[:2]
        shown = window.tile.within(window.around)
        seen = analysed.visibility.repeat(self.stride, axis=0).repeat(self.stride, axis=1)
        self.weights[:, *shown] = 0  # where the picture is continued, no error counts
        self.weights[0, *shown][:height, :width] = seen[:height, :width]

    def at(self, decoded: Mapping[str, Floats]) -> Shown:
        """Return what the tile's decoded variables show."""
        gradient, samples = self._run(decoded["y"], self.target, self.weights)
        if self.follows:
            ring, quality = self.analysed.ring, self.analysed.quality
            try:
                gradient = through_predictions(self.sessions, decoded, quality, ring, gradient)
            except DamagedModel:  # the model codes; only its adjoints cannot be run
                self.follows = False
        squares = self.weights * np.square(np.rint(samples) - self.target)
        return Shown(gradient, samples, float(squares.sum(dtype=np.float64)))

    def curvature(self, latents: Floats, samples: Floats) -> Floats | None:
        """Return the picture's squared error per unit of squared error in each channel, (C, 1, 1).

        It is the mean square of the gradient of an error of random signs. None where nearly all samples are clipped, or
        nothing depends on latents.
        """
        unclipped = float(((samples > 0) & (samples < 255)).mean())
        if unclipped < LEAST_SHOWN:
            return None
        signs = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), samples.shape)
        gradient, _ = self._run(latents, samples - signs, np.ones_like(self.weights))
        found = np.square(gradient).mean(axis=(1, 2), keepdims=True) / unclipped
        return np.maximum(found, LEAST_CURVATURE * found.mean()) if 0 < found.mean() < np.inf else None

    def _run(self, latents: Floats, target: Floats, weights: Floats) -> tuple[Floats, Floats]:
        around = self.analysed.around.copy()
        around[:, *self.own] = latents
        quality = scalar(self.analysed.quality / HIGHEST_QUALITY)
        gradient, samples = self.sessions.run(GRADIENT, [around, quality, target, weights])
        return gradient[:, *self.own], samples


def search(sessions: Sessions, window: Window, analysed: Analysed, coded: Coded, deployed: DeployedQuantizer) -> Coded:
    """Return a tile's variables coded better than `coded`, where that is found.

    Better is less of bits and squared error together, at the slope of the rate-distortion curve. Raises BadRequest
    where the model's synthesis has no known gradient.
    """
    objective, parameters = Objective(sessions, window, analysed), deployed.at(analysed.quality)
    shown = objective.at(coded.decoded)
    curvature = objective.curvature(coded.decoded["y"], shown.samples)
    if curvature is None:
        return coded
    mean = float(curvature.mean())
    slope = SLOPE * mean * (parameters.step / ONE) ** 2
    last = max(LAST_RATE_WEIGHT, parameters.rate_weight)
    weights, curvature = curvature / np.float32(mean), curvature * analysed.visibility
    best, least = coded, shown.error + slope * 8 * len(coded.data)
    targets, latest = analysed.targets["y"], coded
    for part in np.linspace(0, 1, ROUNDS):
        wanted = latest.decoded["y"] - shown.gradient / curvature
        targets = targets + np.float32(FIRST_STEP ** (1 - part) * LAST_STEP**part) * (wanted - targets)
        moved = replace(analysed, targets={**analysed.targets, "y": targets}, weights=weights)
        rate_weight = (1 - part) * parameters.rate_weight + part * last
        latest = encode_latents(sessions, moved, deployed.with_parameters(parameters.step, rate_weight))
        shown = objective.at(latest.decoded)
        cost = shown.error + slope * 8 * len(latest.data)
        if cost < least:
            best, least = latest, cost
    return best
