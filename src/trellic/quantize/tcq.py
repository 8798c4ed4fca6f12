"""Trellis-coded quantization: all indices of a coding pass are chosen together, by the Viterbi algorithm.

Two sets of levels, Q0 and Q1, are together twice as dense as either. The parities of the indices so far decide which
set the next one belongs to. The search finds the sequence with the least sum of weight · squared error + λ · bits,
with the bits of the very tables that code it. Parameters are fixed within a pass: the search is exact for a pass, and
greedy from one to the next. The candidates of each set are the nearest positive level of either parity, and zero,
which is even.

More states gain more, for time in the encoder alone: a decoder follows any number of them at the same speed.

Sources: Marcellin and Fischer, trellis coded quantization (1990); Schwarz et al., dependent quantization (2019);
Ungerboeck, channel coding with multilevel/phase signals (1982).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.entropy.bits import index_bits
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.states import Indices, States, walk
from trellic.entropy.tables import ESCAPE_LIMIT, SCALES
from trellic.kernels import kernel
from trellic.quantize.levels import magnitude
from trellic.quantize.settings import Latents, QuantizerParameters

BLOCK, LOOKAHEAD = 1 << 14, 1 << 9
"""Latents that are decided at a time, which bounds memory, and how many after them the search takes into account: by
then, all paths have long merged into one."""


def states_of(h0: int, h1: int) -> States:
    """Return the trellis of a rate-1/2 convolutional code in systematic feedback form, by its parity-check polynomials.

    The state is a shift register, the newest bit lowest. The bit that enters is the index's parity, plus the bits of
    the register that h0 taps; the set is the sum of those that h1 taps. Tap i is the bit i latents ago.
    """
    count = 1 << (h0.bit_length() - 1)
    feedback, sets = ([(state & taps >> 1).bit_count() & 1 for state in range(count)] for taps in (h0, h1))
    transitions = [[2 * state % count | parity ^ bit for parity in (0, 1)] for state, bit in enumerate(feedback)]
    return States(np.array(transitions, np.uint16), np.array(sets, np.uint8))


@kernel(inline="always")
def weigh(distance, scale_index, weight, rate_weight, offsets, radius, start, bits, costs, choices):  # type: ignore[no-untyped-def]
    """Find the best positive index of each set and parity, and what it costs; zero counts as even. For kernels.

    distance        of the latent from its mean, in steps
    costs, choices  (2, 2), by set and parity: are filled
    """
    for level_set in range(2):
        table = scale_index + SCALES * level_set
        reach, middle = int(radius[table]), int(start[table] + radius[table])
        at = distance + 0.5 * level_set  # level k of Q1 lies at k - 1/2
        odd = 2 * int(at * 0.5) + 1
        even = max(2 * int(at * 0.5 + 0.5), 2)
        near = even + 1 < reach  # then no escape is in question
        error = distance - magnitude(odd, table, offsets) / ONE
        rate = bits[middle + odd] if near else index_bits(odd, table, radius, start, bits)
        costs[level_set, 1] = weight * error * error + rate_weight * rate
        choices[level_set, 1] = odd
        error = distance - magnitude(even, table, offsets) / ONE
        rate = bits[middle + even] if near else index_bits(even, table, radius, start, bits)
        nonzero = weight * error * error + rate_weight * rate
        zero = weight * distance * distance + rate_weight * bits[middle]
        costs[level_set, 0] = min(zero, nonzero)
        choices[level_set, 0] = even if nonzero < zero else 0


@kernel(inline="always")
def extend(total, costs, sets, flips, extended, survivors):  # type: ignore[no-untyped-def]
    """Extend every path by one latent, given the cost of each set and parity. For kernels.

    sets, flips  of states 0 … half - 1: the set, and whether an even index makes the next state odd. State s + half
                 has the same set and flips the other way: both precede states 2s and 2s + 1
    survivors    (half,): bit 0 says whether the cheaper path to 2s is that from s + half, bit 1 the same of 2s + 1
    """
    half = len(sets)
    even_0, odd_0, even_1, odd_1 = costs[0, 0], costs[0, 1], costs[1, 0], costs[1, 1]
    for s in range(half):
        even = even_1 if sets[s] else even_0
        odd = odd_1 if sets[s] else odd_0
        same, other = (odd, even) if flips[s] else (even, odd)
        low, high = total[s] + same, total[s + half] + other
        low_next, high_next = total[s] + other, total[s + half] + same
        extended[2 * s] = high if high < low else low
        extended[2 * s + 1] = high_next if high_next < low_next else low_next
        survivors[s] = (high < low) + 2 * (high_next < low_next)


def structure_of(states: States) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return `sets` and `flips` as `extend` takes them, int64 (half,): as wide as costs, which vectors like."""
    half = len(states.sets) // 2
    return states.sets[:half].astype(np.int64), (states.transitions[:half, 0] & 1).astype(np.int64)


@lru_cache
def _search_of(h0: int, h1: int) -> Any:
    """Return the search kernel of a code, whose structure is compiled into it."""
    sets, flips = structure_of(states_of(h0, h1))
    half = len(sets)

    @kernel
    def search(latents, means, scale_indices, weights, step, rate_weight, offsets, radius, start, bits, state, indices):  # type: ignore[no-untyped-def]
        survivors = np.empty((len(latents), half), np.uint8)
        choices, costs = np.empty((len(latents), 2, 2), np.int32), np.empty((2, 2))
        total, extended = np.full(2 * half, np.inf), np.empty(2 * half)
        total[state] = 0.0
        for n in range(len(latents)):
            scaled = (np.float64(latents[n]) * ONE - means[n]) / step
            distance = min(abs(scaled), ESCAPE_LIMIT - 4.0)
            scale_index = int(scale_indices[n])
            weigh(distance, scale_index, weights[n], rate_weight, offsets, radius, start, bits, costs, choices[n])
            extend(total, costs, sets, flips, extended, survivors[n])
            for s in range(2 * half):  # a copy by slices takes seconds to compile
                total[s] = extended[s]
        state = np.argmin(total)
        for n in range(len(latents) - 1, -1, -1):
            newest, before = state & 1, state >> 1
            survivor = (survivors[n, before] >> newest) & 1
            index = choices[n, sets[before], newest ^ survivor ^ flips[before]]
            indices[n] = -index if np.float64(latents[n]) * ONE < means[n] else index
            state = before + half * survivor

    return search


def quantize_by(h0: int, h1: int) -> Callable[..., Indices]:
    """Return the `quantize` function of a code; its kernel is compiled when it is first called."""
    states = states_of(h0, h1)

    def quantize(
        latents: Latents, parameters: Parameters, weights: Latents, settings: QuantizerParameters, state: int
    ) -> Indices:
        """Return int32 (n,) indices; the rate weight λ is the squared error, in steps², that one bit is worth."""
        search, tables = _search_of(h0, h1), settings.tables
        indices = np.empty(len(latents), np.int32)
        for first in range(0, len(latents), BLOCK):
            seen = slice(first, first + BLOCK + LOOKAHEAD)
            search(
                latents[seen], parameters.means[seen], parameters.scale_indices[seen], weights[seen],
                settings.step, settings.rate_weight, settings.offsets, tables.radius, tables.start, tables.bits,
                state, indices[seen],
            )  # fmt: skip
            decided = slice(first, first + BLOCK)
            _, state = walk(states, parameters.scale_indices[decided], indices[decided], state)
        return indices

    return quantize
