"""The encoder's search: latents are chosen for the picture that a decoder shows, not for the analysis's latents.

A trellis takes the latents' squared error, weighted by channel, for the picture's. But errors of neighbouring latents
add up in the picture, and no analysis is the best for every picture. So, in each round, the gradient of the picture's
squared error by the decoded latents, and by the means that they predict, is computed, the targets of the trellis move
against it, and the trellis runs again. As all latents move at once, each only goes a part of the way, a smaller one in
every round, which also averages the noise of quantization.

How much of the picture's error a channel's stands for, its curvature, is seen from the first gradient: it is the errors
times what the picture's errors are changed by. It steers how far targets go, and the trellis weighs errors by it. Of
some channels or parts of a picture it may be too small: after a round that loses half of what was won, or more, the
next one goes on from the best, with twice the curvature.

Where the decoded picture will be restored, the error is that of the restored picture. The filter is fitted to what the
trellis alone shows, and anew after every few rounds. Each round counts with its corrections of what it shows as if they
stayed.

The best round is kept: that of the least bits and squared error, weighed as in training. So the result, each seen
through a filter of its own, is never worse than the trellis alone. Decoders are not concerned.
Sources: Parikh and Boyd, Proximal Algorithms (2014); Robbins and Monro, a stochastic approximation method (1951).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from trellic.codec.analysis import Analysed
from trellic.codec.coding import scalar, skipped_positions
from trellic.codec.costs import error_weight
from trellic.codec.curvature import curvature_of
from trellic.codec.decoder import synthesize
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Coded, encode_latents
from trellic.codec.fit_restoration import fitted
from trellic.codec.restoration import corrected
from trellic.codec.reverse import through_predictions
from trellic.codec.tiles import Window
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.rans import Encoder
from trellic.errors import DamagedModel
from trellic.model import Sessions
from trellic.model.model import GRADIENT, Floats
from trellic.picture.types import Pixels

FIRST_STEP, SHORTENING = 0.3, 0.5
"""Of the way to where the curvature says that the error is least, how much targets move in the first round, and what
is added to its divisor, 1, in each round after."""
RISE = 0.4
"""By how much of the calibrated one the rate weight rises until the last round, evenly: as targets move away from means
that the prior predicts, bits would rise."""

FITTED_EVERY = 3
"""Rounds after which the filter is fitted anew: it changes little from one to the next, and a fit takes time."""

Correct = Callable[[Pixels], Floats]
"""Takes a tile's decoded pixels, uint8 (3, H, W), and returns what the filter will add to them, float32."""
Fit = Callable[[Pixels], Correct]
"""Takes a tile's decoded pixels and returns the correction that is fitted to them."""
Begin = Callable[[], Encoder]
"""Returns a range coder that holds what goes before a tile's variables."""


class Objective:
    """The weighted squared error of a tile's picture, in 8-bit units, among surroundings as the analysis has them.

    correct  how the tile will be corrected; None where it will not, and until that is known
    """

    def __init__(self, sessions: Sessions, window: Window, analysed: Analysed) -> None:
        self.sessions, self.analysed = sessions, analysed
        self.correct: Correct | None = None
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
            self.weights[0, rows, columns] *= ~skipped_positions(analysed.skipped, rows.stop - rows.start)

    def gradient_at(self, decoded: Mapping[str, Floats], added: Floats) -> tuple[Floats, Pixels]:
        """Return half the gradient of the error by the tile's decoded y, (C, H, W), and what that shows, (3, H, W).

        added  to what is shown, (3, H, W)
        """
        gradient, samples = self._run(decoded["y"], self.target - added)
        if self.follows:
            ring, quality = self.analysed.ring, self.analysed.quality
            try:
                gradient = through_predictions(self.sessions, decoded, quality, ring, gradient)
            except DamagedModel:  # the model codes; only its adjoints cannot be run
                self.follows = False
        return gradient, np.rint(samples).astype(np.uint8)

    def pixels_of(self, decoded: Mapping[str, Floats]) -> Pixels:
        """Return what the tile's decoded y shows, uint8 (3, H, W)."""
        return synthesize(self.sessions, {"y": self._among_others(decoded["y"])}, self.analysed.quality)

    def fit(self, fit: Fit, pixels: Pixels) -> None:
        """Count with the correction that is fitted to pixels from now on."""
        self.correct = fit(np.ascontiguousarray(pixels[:, *self.shown]))

    def corrected(self, pixels: Pixels) -> tuple[Floats, float]:
        """Return what is added to pixels, (3, H, W), and the weighted squared error that is left."""
        added = np.zeros(pixels.shape, np.float32)
        if self.correct:
            added[:, *self.shown] = self.correct(np.ascontiguousarray(pixels[:, *self.shown]))
        return added, float((self.weights * np.square(pixels + added - self.target)).sum(dtype=np.float64))

    def _run(self, latents: Floats, target: Floats) -> tuple[Floats, Floats]:
        quality = scalar(self.analysed.quality / HIGHEST_QUALITY)
        gradient, samples = self.sessions.run(GRADIENT, [self._among_others(latents), quality, target, self.weights])
        return gradient[:, *self.own], samples

    def _among_others(self, latents: Floats) -> Floats:
        around = self.analysed.around.copy()
        around[:, *self.own] = latents
        return around


def by_weights_of_its_own(window: Window, quality: int) -> Fit:
    """Return how the correction of a tile that is a region of its own is fitted, at a quality of 0 to 25600."""
    original, bits_of_error = np.ascontiguousarray(window.own.transpose(2, 0, 1)), error_weight(quality)

    def fit(decoded: Pixels) -> Correct:
        weights = fitted(decoded, original, bits_of_error).weights

        def correct(pixels: Pixels) -> Floats:
            shown = corrected(pixels, weights) if weights is not None else pixels
            return shown.astype(np.float32) - pixels

        return correct

    return fit


def search(
    sessions: Sessions,
    window: Window,
    analysed: Analysed,
    coded: Coded,
    deployed: DeployedQuantizer,
    rounds: int,
    fit: Fit | None = None,
    begin: Begin | None = None,
) -> tuple[Floats, Coded]:
    """Return the y to quantize instead of the analysis's, (C, H, W), and a tile's variables coded better by that.

    rounds   how often they are coded anew, 1 or more
    fit      fits how the tile will be corrected; None where it will not
    begin    makes the range coder, where something goes before them
    Better is less of bits and squared error together; where nothing is, both are as they were given. With a model whose
    gradient is not known, or cannot be run, there is no search. It takes some 500 bytes a pixel of the tile and what is
    around it.
    """
    targets = analysed.targets["y"]
    if sessions.model.gradient is None:
        return targets, coded
    objective, parameters = Objective(sessions, window, analysed), deployed.at(analysed.quality)
    bits_of_error = error_weight(analysed.quality)

    def cost(coded: Coded, error: float) -> float:
        return 8 * len(coded.data) + bits_of_error * error

    added, error = np.zeros_like(objective.target), None
    if fit:
        pixels = objective.pixels_of(coded.decoded)
        objective.fit(fit, pixels)
        added, error = objective.corrected(pixels)
    try:
        gradient, pixels = objective.gradient_at(coded.decoded, added)
    except DamagedModel:  # the model codes, as was seen
        return targets, coded
    if error is None:
        _, error = objective.corrected(pixels)
    found = curvature_of(analysed, coded.decoded["y"], gradient)
    if found is None:
        return targets, coded
    curvature, weights = found * analysed.visibility, found / found.mean()
    latest = coded
    least = without = cost(coded, error)
    best = targets, coded, gradient, added
    for number in range(rounds):
        wanted = latest.decoded["y"] - gradient / curvature
        targets = targets + np.float32(FIRST_STEP / (1 + SHORTENING * number)) * (wanted - targets)
        moved = replace(analysed, targets={**analysed.targets, "y": targets}, weights=weights)
        rate_weight = parameters.rate_weight * (1 + RISE * (number + 1) / rounds)
        changed = deployed.with_parameters(parameters.step, rate_weight)
        latest = encode_latents(sessions, moved, changed, coder=begin() if begin else None)
        if number < rounds - 1:
            gradient, pixels = objective.gradient_at(latest.decoded, added)
        else:  # no gradient is needed any more
            pixels = objective.pixels_of(latest.decoded)
        if fit and (number + 1) % FITTED_EVERY == 0:
            objective.fit(fit, pixels)
        added, error = objective.corrected(pixels)
        now = cost(latest, error)
        if now < least:
            least, best = now, (targets, latest, gradient, added)
        elif now - least > (without - least) / 2:
            targets, latest, gradient, added = best
            curvature = 2 * curvature
    return best[:2]
