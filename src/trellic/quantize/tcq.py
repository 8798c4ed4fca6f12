"""Trellis-coded quantization: the cheapest path through the states, by the Viterbi algorithm.

In each state one of two sets of levels may be used, so that together they are twice as dense as either; the parity of
an index decides which set comes next. The search finds the sequence with the least sum of weight · squared error +
λ · bits, bits being those of the very tables that code it. Parameters are fixed within a pass: the search is
exact for a pass, and greedy from one to the next.
The candidates of each set are the nearest positive level of either parity, and zero, which is even.

Sources: Marcellin and Fischer, trellis coded quantization (1990); Schwarz et al., dependent quantization (2019).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.rans import index_bits
from trellic.entropy.states import EIGHT_STATES, FOUR_STATES, Indices, States
from trellic.entropy.tables import ESCAPE_LIMIT, SCALES
from trellic.kernels import kernel
from trellic.quantize.levels import magnitude
from trellic.quantize.settings import Latents, QuantizerParameters

SETS, PARITIES = 2, 2


def _search_of(states: States) -> Callable[..., None]:
    """Return the search kernel for states whose structure is compiled into it."""
    count = len(states.sets)
    # Each state has two predecessors; `branch` is set · 2 + parity of the step from there.
    arrivals: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for state in range(count):
        for parity in range(PARITIES):
            arrivals[states.transitions[state, parity]].append((state, 2 * int(states.sets[state]) + parity))
    before = np.array([[state for state, _ in pair] for pair in arrivals])
    branch = np.array([[number for _, number in pair] for pair in arrivals])

    @kernel
    def search(latents, means, scale_indices, weights, step, rate_weight, offsets, radius, start, bits, state, indices):  # type: ignore[no-untyped-def]
        survivors = np.empty(len(latents), np.uint8)  # bit s: which predecessor of state s survives
        choices = np.empty((len(latents), SETS * PARITIES), np.int32)
        costs = np.empty(SETS * PARITIES)
        total = np.full(count, np.inf)
        total[state] = 0.0
        arrived = np.empty(count)
        for n in range(len(latents)):
            scaled = (np.float64(latents[n]) * ONE - means[n]) / step
            distance = min(abs(scaled), ESCAPE_LIMIT - 4.0)
            for level_set in range(SETS):
                scale_index = int(scale_indices[n]) + SCALES * level_set
                reach, middle = int(radius[scale_index]), int(start[scale_index] + radius[scale_index])
                at = distance + 0.5 * level_set  # level k of Q1 lies at k - 1/2
                odd = 2 * int(at * 0.5) + 1
                even = max(2 * int(at * 0.5 + 0.5), 2)
                near = even + 1 < reach  # then no escape is in question
                error = distance - magnitude(odd, scale_index, offsets) / ONE
                rate = bits[middle + odd] if near else index_bits(odd, scale_index, radius, start, bits)
                costs[2 * level_set + 1] = weights[n] * error * error + rate_weight * rate
                choices[n, 2 * level_set + 1] = odd
                error = distance - magnitude(even, scale_index, offsets) / ONE
                rate = bits[middle + even] if near else index_bits(even, scale_index, radius, start, bits)
                nonzero = weights[n] * error * error + rate_weight * rate
                zero = weights[n] * distance * distance + rate_weight * bits[middle]
                costs[2 * level_set] = min(zero, nonzero)
                choices[n, 2 * level_set] = even if nonzero < zero else 0
            chosen = 0
            for s in range(count):
                first = total[before[s, 0]] + costs[branch[s, 0]]
                second = total[before[s, 1]] + costs[branch[s, 1]]
                arrived[s] = min(first, second)
                chosen |= (1 if second < first else 0) << s
            total[:] = arrived
            survivors[n] = chosen
        state = np.argmin(total)
        for n in range(len(latents) - 1, -1, -1):
            survivor = (survivors[n] >> state) & 1
            index = choices[n, branch[state, survivor]]
            indices[n] = -index if np.float64(latents[n]) * ONE < means[n] else index
            state = before[state, survivor]

    return search  # type: ignore[no-any-return]


def _quantizer_of(states: States) -> Callable[..., Indices]:
    search: Any = _search_of(states)

    def quantize(
        latents: Latents, parameters: Parameters, weights: Latents, settings: QuantizerParameters, state: int
    ) -> Indices:
        """Return int32 (n,) indices; the rate weight λ is the squared error, in steps², that one bit is worth."""
        indices = np.empty(len(latents), np.int32)
        tables = settings.tables
        search(
            latents, parameters.means, parameters.scale_indices, weights, settings.step, settings.rate_weight,
            settings.offsets, tables.radius, tables.start, tables.bits, state, indices,
        )  # fmt: skip
        return indices

    return quantize


quantize_by_four = _quantizer_of(FOUR_STATES)
quantize_by_eight = _quantizer_of(EIGHT_STATES)
