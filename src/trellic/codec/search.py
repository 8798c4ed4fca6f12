"""The encoder's search: latents are chosen for the picture that a decoder shows, not for the analysis's latents.

A trellis takes the latents' squared error, weighted by channel, for the picture's. But errors of neighbouring latents
add up in the picture, and no analysis is the best for every picture. So, in each round, the gradient of the picture's
squared error by the decoded latents, and by the means that they predict, is computed, the targets of the trellis move
against it, and the trellis runs again. Errors are correlated: steps as long as the curvature of each channel suggests
would overshoot. Targets therefore move by a small part of it, which also averages the noise of quantization.

Where the decoded picture will be restored, the error is that of the restored picture: each round fits the filter to
what it shows, and the next one counts with its corrections as if they stayed.

The best round is kept: that of the least bits and squared error, weighed by the slope of the rate-distortion curve. So
the result is never worse than the trellis alone. Decoders are not concerned.
Sources: Parikh and Boyd, Proximal Algorithms (2014); Hutchinson, a stochastic estimator of the trace (1990).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from trellic.codec.analysis import Analysed
from trellic.codec.coding import scalar
from trellic.codec.costs import error_weight
from trellic.codec.decoder import synthesize
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Coded, encode_latents
from trellic.codec.fit_restoration import fitted, write_worthwhile
from trellic.codec.reverse import through_predictions
from trellic.codec.tiles import Window
from trellic.container.grid import STRIDE
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import ONE
from trellic.entropy.rans import Encoder
from trellic.errors import DamagedModel
from trellic.model import Sessions
from trellic.model.model import GRADIENT, Floats
from trellic.picture.types import Pixels

STEP = 1 / 3
"""Of the way to where the curvature says that the error is least, how much targets move: in the first round this,
divided by the square root of the number of rounds, in the last one divided by that number."""
LAST_RATE_WEIGHT = 0.044
"""The rate weight of the last round, unless the calibrated one, with which the first begins, is larger."""
SLOPE = 0.09
"""The slope of the rate-distortion curve: the squared error, in steps², that a bit is worth.

Measured on validation pictures, between which it varies; one value serves all qualities.
"""
LEAST_CURVATURE, LEAST_SHOWN = 0.05, 0.01
"""Beside the mean; and the least fraction of samples that are neither black nor full, of a picture that is searched."""


class Correction(NamedTuple):
    """What is added to decoded samples, (3, H, W), and the bytes that a stream has for it."""

    added: Floats
    bytes: int


Correct = Callable[[Pixels], Correction]
"""Takes a tile's decoded pixels, uint8 (3, H, W), and returns how they will be corrected."""
Begin = Callable[[], Encoder]
"""Returns a range coder that holds what goes before a tile's variables."""


@dataclass(frozen=True)
class Shown:
    """What decoded latents show.

    gradient    half that of the squared error by decoded latents, (C, H, W)
    samples     before they are rounded and corrected, (3, H, W)
    correction  of them
    error       the weighted squared error after both
    """

    gradient: Floats
    samples: Floats
    correction: Correction
    error: float


class Objective:
    """The weighted squared error of a tile's picture, in 8-bit units, among surroundings as the analysis has them.

    correct  how the tile will be corrected; None where it will not
    """

    def __init__(self, sessions: Sessions, window: Window, analysed: Analysed, correct: Correct | None) -> None:
        self.sessions, self.analysed, self.correct = sessions, analysed, correct
        self.follows = bool(sessions.model.adjoints)
        self.stride = sessions.model.schedule.variables["y"].stride
        self.own = window.tile.within(window.around, self.stride)
        self.target = np.ascontiguousarray(window.pixels.transpose(2, 0, 1)).astype(np.float32)
        self.weights = np.ones((1, *self.target.shape[1:]), np.float32)
        height, width = window.own.shape[:2]
        rows, columns = window.tile.within(window.around)
        self.shown = slice(rows.start, rows.start + height), slice(columns.start, columns.start + width)
        seen = analysed.visibility.repeat(self.stride, axis=0).repeat(self.stride, axis=1)
        self.weights[:, rows, columns] = 0  # where the picture is continued, no error counts
        self.weights[0, *self.shown] = seen[:height, :width]
        if analysed.skipped is not None:  # nothing of what is decoded there is shown
            self.weights[0, rows, columns] *= 1 - analysed.skipped.repeat(STRIDE, axis=0).repeat(STRIDE, axis=1)

    def at(self, decoded: Mapping[str, Floats], before: Correction) -> Shown:
        """Return what the tile's decoded variables show; the gradient counts with a correction from before."""
        gradient, samples = self._run(decoded["y"], self.target - before.added, self.weights)
        if self.follows:
            ring, quality = self.analysed.ring, self.analysed.quality
            try:
                gradient = through_predictions(self.sessions, decoded, quality, ring, gradient)
            except DamagedModel:  # the model codes; only its adjoints cannot be run
                self.follows = False
        return Shown(gradient, samples, *self._corrected(np.rint(samples)))

    def corrected_at(self, decoded: Mapping[str, Floats]) -> tuple[Correction, float]:
        """Return correction and error of what the tile's decoded variables show."""
        pixels = synthesize(self.sessions, {"y": self._among_others(decoded["y"])}, self.analysed.quality)
        return self._corrected(pixels.astype(np.float32))

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

    def _corrected(self, pixels: Floats) -> tuple[Correction, float]:
        """Return the correction of whole samples, and the weighted squared error that is left."""
        added, taken = np.zeros_like(pixels), 0
        if self.correct:
            added[:, *self.shown], taken = self.correct(pixels[:, *self.shown].clip(0, 255).astype(np.uint8))
        squares = self.weights * np.square(pixels + added - self.target)
        return Correction(added, taken), float(squares.sum(dtype=np.float64))

    def _run(self, latents: Floats, target: Floats, weights: Floats) -> tuple[Floats, Floats]:
        quality = scalar(self.analysed.quality / HIGHEST_QUALITY)
        gradient, samples = self.sessions.run(GRADIENT, [self._among_others(latents), quality, target, weights])
        return gradient[:, *self.own], samples

    def _among_others(self, latents: Floats) -> Floats:
        around = self.analysed.around.copy()
        around[:, *self.own] = latents
        return around


def by_weights_of_its_own(window: Window, quality: int) -> Correct:
    """Return how a tile is corrected that is a region of its own, at a quality of 0 to 25600."""
    original, bits_of_error = np.ascontiguousarray(window.own.transpose(2, 0, 1)), error_weight(quality)

    def correct(decoded: Pixels) -> Correction:
        found = fitted(decoded, original, bits_of_error)
        written = write_worthwhile([found.weights], bits_of_error * (found.error_without - found.error))
        shown = found.shown if written else decoded
        return Correction(shown.astype(np.float32) - decoded, len(written))

    return correct


def search(
    sessions: Sessions,
    window: Window,
    analysed: Analysed,
    coded: Coded,
    deployed: DeployedQuantizer,
    rounds: int,
    correct: Correct | None = None,
    begin: Begin | None = None,
) -> Coded:
    """Return a tile's variables coded better than `coded`, where that is found.

    rounds   how often they are coded anew, 2 or more
    correct  how the tile will be corrected; None where it will not
    begin    makes the range coder, where something goes before them
    Better is less of bits and squared error together, at the slope of the rate-distortion curve. Raises BadRequest
    where the model's synthesis has no known gradient.
    """
    objective, parameters = Objective(sessions, window, analysed, correct), deployed.at(analysed.quality)
    nothing = Correction(np.zeros_like(objective.target), 0)
    before = objective.corrected_at(coded.decoded)[0] if correct else nothing
    shown = objective.at(coded.decoded, before)
    curvature = objective.curvature(coded.decoded["y"], shown.samples)
    if curvature is None:
        return coded
    mean = float(curvature.mean())
    slope = SLOPE * mean * (parameters.step / ONE) ** 2
    last = max(LAST_RATE_WEIGHT, parameters.rate_weight)
    weights, curvature = curvature / np.float32(mean), curvature * analysed.visibility
    best, least = coded, shown.error + slope * 8 * (len(coded.data) + shown.correction.bytes)
    targets, latest = analysed.targets["y"], coded
    for part in np.linspace(0, 1, rounds):
        wanted = latest.decoded["y"] - shown.gradient / curvature
        targets = targets + np.float32(STEP / rounds ** ((1 + part) / 2)) * (wanted - targets)
        moved = replace(analysed, targets={**analysed.targets, "y": targets}, weights=weights)
        rate_weight = (1 - part) * parameters.rate_weight + part * last
        changed = deployed.with_parameters(parameters.step, rate_weight)
        latest = encode_latents(sessions, moved, changed, coder=begin() if begin else None)
        if part < 1:
            shown = objective.at(latest.decoded, shown.correction)
            correction, error = shown.correction, shown.error
        else:  # no gradient is needed any more
            correction, error = objective.corrected_at(latest.decoded)
        cost = error + slope * 8 * (len(latest.data) + correction.bytes)
        if cost < least:
            best, least = latest, cost
    return best
