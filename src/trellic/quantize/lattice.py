"""Lattice: levels at fixed multiples of the step, wherever the mean is, so that coding again changes little.

Other quantizers count levels from the predicted mean. If a decoded picture is coded again, z and with it all means come
out a little otherwise, every level moves, and every latent is quantized afresh. Here a latent's level is the nearest
multiple of the step: the mean only says how likely each is. Index k stands for the multiple that is k above the one
nearest to the mean, and its table is that of the scale and of where between two multiples the mean lies, its phase.

A latent of small scale, mostly zero, is coded about its mean: it has little to lose.

Latents of a picture that was coded like this before lie near multiples of the step. Then the search for fewer bits
stops, which would drop something each time, and every latent gets its nearest multiple.
Source: successive compression, *Successive learned image compression* (Neurocomputing 2022), for the problem.
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from trellic.entropy import intervals
from trellic.entropy.bits import index_bits
from trellic.entropy.intervals import cumulative, shared
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import CdfIndices, Indices
from trellic.entropy.tables import ESCAPE_LIMIT, SCALES, Tables, scale_of
from trellic.kernels import kernel
from trellic.quantize.levels import Levels, Offsets, no_offsets
from trellic.quantize.settings import Latents, QuantizerParameters

PHASES = 4
FIRST_SCALE = 14
"""The first scale index, of 0.62 steps, whose latents have fixed levels."""
SURE_SCALE = 18
"""From one step on, latents show whether they were coded before."""
LEAST, NEAR = 64, 0.245
"""How many of such latents show it, and the rms distance from multiples, in steps, below which they were coded before:
it is 0.289 for latents of any other picture, and 0.16 to 0.21 for these."""
SURE, NEAR_ALONE = 3, 0.25
"""The same without predictions: latents of so many steps and more show it. Smaller ones are more often just above a
multiple than just below the next. On validation pictures fresh ones have 0.27 and more, coded ones 0.24 and less."""


def _centre(scale_index: int, phase: int) -> int:
    """Return where the mean lies above its nearest multiple, in 1/1024 of the step."""
    return (2 * phase - PHASES + 1) * ONE // (2 * PHASES) if scale_index >= FIRST_SCALE else 0


@cache
def tables() -> tuple[Tables, Offsets]:
    """Return the tables by scale index + 64 · phase, Gaussian, from integers alone; and offsets that move nothing."""
    both = [_table(scale_index, phase) for phase in range(PHASES) for scale_index in range(SCALES)]
    return Tables.of_frequencies(both), no_offsets(PHASES)


def _table(scale_index: int, phase: int) -> npt.NDArray[np.uint32]:
    radius = min(1023, math.ceil(4 * scale_of(scale_index)) + 2)
    edges = (2 * np.arange(-radius, radius + 2) - 1) * (ONE // 2)
    cells = np.diff(cumulative(edges, _centre(scale_index, phase), scale_index, ONE))
    return shared(np.append(cells, intervals.ONE - cells.sum())).astype(np.uint32)


@kernel
def _place(scale_indices, means, step, cdf_indices, placed):  # type: ignore[no-untyped-def]
    for n in range(len(means)):
        cdf_indices[n] = scale_indices[n]
        placed[n] = means[n]
        if scale_indices[n] >= FIRST_SCALE:
            above = means[n] + step // 2
            multiple = above // step
            phase = (above - multiple * step) * PHASES // step
            cdf_indices[n] += SCALES * phase
            placed[n] = multiple * step


def place(parameters: Parameters, step: int) -> Parameters:
    """Return the multiples nearest to the means, in 1/1024, and cdf indices instead of scale indices."""
    cdf_indices, placed = np.empty_like(parameters.scale_indices), np.empty_like(parameters.means)
    _place(parameters.scale_indices, parameters.means, step, cdf_indices, placed)
    return Parameters(cdf_indices, placed)


def dequantize(
    indices: Indices, cdf_indices: CdfIndices, means: npt.NDArray[np.int32], offsets: Offsets, step: int
) -> npt.NDArray[np.float32]:
    """Return the multiples that indices stand for, float32 (n,), given means as they were placed."""
    del cdf_indices, offsets
    values: npt.NDArray[np.float32] = ((means + indices.astype(np.int64) * step) / ONE).astype(np.float32)
    return values


FIXED = Levels(place, dequantize)


@kernel
def _rms_distance(latents, means, cdf_indices, step):  # type: ignore[no-untyped-def]
    """Return the rms distance of latents from multiples, in steps; 0 where too few can show it."""
    count, total = 0, 0.0
    for n in range(len(latents)):
        if cdf_indices[n] % SCALES >= SURE_SCALE:
            scaled = (np.float64(latents[n]) * ONE - means[n]) / step
            total += (scaled - np.rint(scaled)) ** 2
            count += 1
    return np.sqrt(total / count) if count >= LEAST else 0.0


def were_coded(planes: Latents, step: int) -> bool:
    """Return whether latents, before quantization, show that they were coded before at a step in 1/1024."""
    scaled = planes.astype(np.float64) * ONE / step
    sure = scaled[np.abs(scaled) >= SURE]
    return len(sure) >= LEAST and float(np.square(sure - np.rint(sure)).mean()) < NEAR_ALONE**2


@kernel
def _quantize(latents, means, cdf_indices, weights, step, rate_weight, radius, start, bits, indices):  # type: ignore[no-untyped-def]
    for n in range(len(latents)):
        cdf_index = np.int64(cdf_indices[n])
        scaled = (np.float64(latents[n]) * ONE - means[n]) / step
        nearest = np.int64(min(max(np.rint(scaled), -ESCAPE_LIMIT), ESCAPE_LIMIT))
        best = nearest
        if rate_weight > 0 and nearest != 0:
            least = np.inf
            for index in (nearest, nearest - np.int64(np.sign(nearest)), 0):
                cost = weights[n] * (scaled - index) ** 2
                cost += rate_weight * index_bits(index, cdf_index, radius, start, bits)
                if cost < least:
                    best, least = np.int64(index), cost
        indices[n] = best


def quantize(
    latents: Latents, parameters: Parameters, weights: Latents, settings: QuantizerParameters, state: int
) -> Indices:
    """Return int32 (n,) indices; the rate weight λ is the squared error, in steps², that one bit is worth.

    Where latents were coded before, or too few show that they were not, each gets its nearest multiple.
    """
    del state
    indices, found = np.empty(len(latents), np.int32), settings.tables
    fresh = _rms_distance(latents, parameters.means, parameters.scale_indices, settings.step) >= NEAR
    _quantize(
        latents, parameters.means, parameters.scale_indices, weights, settings.step,
        settings.rate_weight if fresh else 0.0, found.radius, found.start, found.bits, indices,
    )  # fmt: skip
    return indices
