"""Scales corrected by what was decoded: where indices nearby are larger than expected, the next ones will be, too.

Networks predict the scales of a whole pass before any of it is decoded. What a pass itself shows is used here, row by
row: magnitudes that were decoded, and those that their tables expected, are summed over three neighbourhoods: the same
position in the channels before, the positions around it in the same channel, and all of that channel so far. The
logarithms of the three ratios, weighed, move the scale index. All of it is in integers.
Source: backward adaptation, as in Weinberger et al., The LOCO-I lossless image compression algorithm (2000), here of a
learned prior.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.states import CdfIndices, Indices
from trellic.entropy.tables import SCALES, Tables
from trellic.kernels import kernel

WEIGHTS = 3
"""Of a pass: those of the position, of its neighbours and of its channel."""
FRACTION_BITS = 14
"""A weight is in 1/64 of a scale index for each octave of a ratio, and logarithms are in 1/256 of an octave."""
LARGEST_WEIGHT = 1 << 10
FLAT = 3 << 8, 4 << 8, 8 << 8
"""Added to both sums of each neighbourhood, in 1/256: so little is known where sums are small."""
LARGEST, MAGNITUDE_BITS = 15, 12
"""Larger magnitudes count as this. Where a latent was decoded, 4 bits of it above 12 of what was expected, in 1/256."""
FADING = 5
"""Sums of a position lose 2⁻⁵ of themselves from channel to channel."""
ABOVE, BELOW, BESIDE = 2, 1, 1
"""Lines of zeros around a plane."""


class Correction(NamedTuple):
    """How scale indices of a pass are corrected, and what is known so far; for kernels.

    Planes are padded with zeros: (H + 3, W + 2).

    weights   int64 (3,)
    expected  uint16 (cdf indices,): expected magnitude, in 1/256
    padded    uint32 (n,): where each latent of the pass lies in padded planes of all channels, laid flat
    line      W + 2, and
    plane     the size of a padded plane
    decoded   uint16, padded planes of all channels, laid flat: what is known of each latent, 0 where nothing is
    channels  int64 (channels, 2): magnitudes and expected ones of each channel
    column    int64, a padded plane laid flat by 2: the same of each position, over the channels of this pass
    at        uint64 (2,): where the row at hand begins, and its channel
    moves     int64 (W,): by how much scale indices of the row at hand are moved
    expects   uint16 (W,): what is expected of its latents
    """

    weights: npt.NDArray[np.int64]
    expected: npt.NDArray[np.uint16]
    padded: npt.NDArray[np.uint32]
    line: np.uint64
    plane: np.uint64
    decoded: npt.NDArray[np.uint16]
    channels: npt.NDArray[np.int64]
    column: npt.NDArray[np.int32]
    at: npt.NDArray[np.uint64]
    moves: npt.NDArray[np.int64]
    expects: npt.NDArray[np.uint16]


class Decoded:
    """What is known of channels of a variable, of all their passes so far. Planes are (channels, height, width)."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.line = width + 2 * BESIDE
        self.plane = (height + ABOVE + BELOW) * self.line
        self.planes = np.zeros(channels * self.plane, np.uint16)
        self.channels = np.zeros((channels, 2), np.int64)

    def correction(self, weights: tuple[int, ...], tables: Tables, positions: npt.NDArray[np.int32]) -> Correction:
        """Return how the next pass over these channels is corrected.

        positions  int32 (n,): where its latents lie in planes laid flat
        """
        padded = np.empty(len(positions), np.uint32)
        _pad(positions, self.height, self.width, padded)
        return Correction(
            np.array(weights, np.int64), tables.expected, padded, np.uint64(self.line), np.uint64(self.plane),
            self.planes, self.channels, np.zeros(2 * self.plane, np.int32), np.zeros(2, np.uint64),
            np.empty(self.width, np.int64), np.empty(self.width, np.uint16),
        )  # fmt: skip


@kernel
def _pad(positions, height, width, padded):  # type: ignore[no-untyped-def]
    row_end, row, first = width, 0, ABOVE * (width + 2 * BESIDE) + BESIDE
    for n in range(len(positions)):
        while positions[n] >= row_end:
            row_end += width
            row += 1
            first += 2 * BESIDE
            if row == height:
                row, first = 0, first + (ABOVE + BELOW) * (width + 2 * BESIDE)
        padded[n] = positions[n] + first


@kernel(inline="always")
def _log(value):  # type: ignore[no-untyped-def]
    """Return the logarithm in 1/256 of an octave, linear between powers of two, and more by a constant."""
    return np.float64(value).view(np.int64) >> 44


@kernel(inline="always")
def _add(known, found, expected):  # type: ignore[no-untyped-def]
    """Add what is known of a latent to sums of magnitudes and of expected ones."""
    return found + (np.int64(known) >> MAGNITUDE_BITS), expected + (np.int64(known) & ((1 << MAGNITUDE_BITS) - 1))


@kernel(inline="always")
def shifted(cdf_index, move):  # type: ignore[no-untyped-def]
    """Return a cdf index whose scale index is moved; for kernels."""
    scale_index = np.int64(cdf_index) & (SCALES - 1)
    return np.int64(cdf_index) - scale_index + min(max(scale_index + move, 0), SCALES - 1)


@kernel
def begin_row(one, n):  # type: ignore[no-untyped-def]
    """Find how the scale indices of a row are moved, from latent n on; return where the row ends; for kernels."""
    unit, two, line, decoded, column = np.uint64(1), np.uint64(2), one.line, one.decoded, one.column
    while one.padded[n] >= one.at[0] + line:
        one.at[0] += line
    while one.at[0] >= (one.at[1] + unit) * one.plane:
        for position in range(len(column)):
            column[position] -= column[position] >> FADING
        one.at[1] += unit
    channel = one.at[1]
    by_position, by_neighbours = one.weights[0], one.weights[1]
    whole = _log(one.channels[channel, 0] + FLAT[2]) - _log(one.channels[channel, 1] + FLAT[2])
    start = one.weights[2] * whole + (1 << (FRACTION_BITS - 1))
    stop = n
    while stop < len(one.padded) and one.padded[stop] < one.at[0] + line:
        place = np.uint64(one.padded[stop])
        above, at = place - line, two * (place - channel * one.plane)
        found, expected = np.int64(0), np.int64(0)
        found, expected = _add(decoded[above - line], found, expected)
        found, expected = _add(decoded[above - unit], found, expected)
        found, expected = _add(decoded[above], found, expected)
        found, expected = _add(decoded[above + unit], found, expected)
        found, expected = _add(decoded[place - unit], found, expected)
        found, expected = _add(decoded[place + unit], found, expected)
        found, expected = _add(decoded[place + line], found, expected)
        moved = start + by_position * (_log(column[at] + FLAT[0]) - _log(column[at + unit] + FLAT[0]))
        moved += by_neighbours * (_log((found << 8) + FLAT[1]) - _log(expected + FLAT[1]))
        one.moves[stop - n] = moved >> FRACTION_BITS
        stop += 1
    return stop


@kernel(inline="always")
def moved(one, number, cdf_index):  # type: ignore[no-untyped-def]
    """Return the corrected cdf index of a latent by its number in the row, and note what was expected; for kernels."""
    one.expects[number] = one.expected[cdf_index]
    return shifted(cdf_index, one.moves[number])


@kernel
def end_row(one, n, stop, indices):  # type: ignore[no-untyped-def]
    """Take note of the indices of a row, from latent n on; for kernels."""
    channel = one.at[1]
    for each in range(n, stop):
        place = np.uint64(one.padded[each])
        magnitude, expected = np.int64(min(abs(indices[each]), LARGEST)), np.int64(one.expects[each - n])
        one.decoded[place] = magnitude << MAGNITUDE_BITS | expected
        at = np.uint64(2) * (place - channel * one.plane)
        one.column[at] += magnitude << 8
        one.column[at + np.uint64(1)] += expected
        one.channels[channel, 0] += magnitude << 8
        one.channels[channel, 1] += expected


@kernel
def _moves(one, cdf_indices, indices, moves):  # type: ignore[no-untyped-def]
    n = 0
    while n < len(indices):
        stop = begin_row(one, n)
        for each in range(n, stop):
            moves[each] = one.moves[each - n]
            one.expects[each - n] = one.expected[cdf_indices[each]]
        end_row(one, n, stop, indices)
        n = stop


def moves_of(one: Correction, cdf_indices: CdfIndices, indices: Indices) -> npt.NDArray[np.int32]:
    """Return by how much the scale index of each latent of a pass is moved, int32 (n,), given all of its indices."""
    moves = np.empty(len(indices), np.int32)
    _moves(one, cdf_indices, indices, moves)
    return moves


def correct(one: Correction, cdf_indices: CdfIndices, indices: Indices) -> CdfIndices:
    """Return the cdf indices by which a pass is coded, uint8 (n,), given all of its indices."""
    moves = moves_of(one, cdf_indices, indices)
    scale_indices = cdf_indices & np.uint8(SCALES - 1)
    corrected: CdfIndices = np.clip(scale_indices + moves, 0, SCALES - 1).astype(np.uint8)
    return corrected + (cdf_indices - scale_indices)
