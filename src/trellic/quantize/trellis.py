"""Trellis-coded quantization: the cheapest path through the state machine, by the Viterbi algorithm.

In each state one of two sets of levels may be used, so that together they are twice as dense as either; the parity of
an index decides which set comes next. The search finds the sequence with the least sum of weight · squared error +
strength · bits, bits being those of the very tables that code it. Parameters are fixed within a pass: the search is
exact for a pass, and greedy from one to the next.
The candidates of each kind are the nearest positive level of either parity, and zero, which is even.

Sources: Marcellin and Fischer, trellis coded quantization (1990); Schwarz et al., dependent quantization (2019).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from trellic.entropy.machine import EIGHT_STATES, FOUR_STATES, Indices, Machine
from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.rans import index_bits
from trellic.entropy.tables import ESCAPE_LIMIT, ROWS
from trellic.kernels import kernel
from trellic.quantize.levels import magnitude
from trellic.quantize.setting import Latents, Setting

KINDS, PARITIES = 2, 2


def _search_of(machine: Machine) -> Callable[..., None]:
    """Return the search kernel for a machine whose structure is compiled into it."""
    states = len(machine.kinds)
    # Each state has two predecessors; `branch` is kind · 2 + parity of the step from there.
    arrivals: list[list[tuple[int, int]]] = [[] for _ in range(states)]
    for state in range(states):
        for parity in range(PARITIES):
            arrivals[machine.transitions[state, parity]].append((state, 2 * int(machine.kinds[state]) + parity))
    before = np.array([[state for state, _ in pair] for pair in arrivals])
    branch = np.array([[number for _, number in pair] for pair in arrivals])

    @kernel
    def search(latents, means, rows, weights, step, strength, points, radius, start, bits, state, indices):  # type: ignore[no-untyped-def]
        survivors = np.empty(len(latents), np.uint8)  # bit s: which predecessor of state s survives
        choices = np.empty((len(latents), KINDS * PARITIES), np.int32)
        costs = np.empty(KINDS * PARITIES)
        total = np.full(states, np.inf)
        total[state] = 0.0
        arrived = np.empty(states)
        for n in range(len(latents)):
            scaled = (np.float64(latents[n]) * ONE - means[n]) / step
            distance = min(abs(scaled), ESCAPE_LIMIT - 4.0)
            for kind in range(KINDS):
                row = int(rows[n]) + ROWS * kind
                reach, middle = int(radius[row]), int(start[row] + radius[row])
                at = distance + 0.5 * kind  # in this kind, level k lies at k - kind/2
                odd = 2 * int(at * 0.5) + 1
                even = max(2 * int(at * 0.5 + 0.5), 2)
                near = even + 1 < reach  # then no escape is in question
                error = distance - magnitude(odd, row, points) / ONE
                rate = bits[middle + odd] if near else index_bits(odd, row, radius, start, bits)
                costs[2 * kind + 1] = weights[n] * error * error + strength * rate
                choices[n, 2 * kind + 1] = odd
                error = distance - magnitude(even, row, points) / ONE
                rate = bits[middle + even] if near else index_bits(even, row, radius, start, bits)
                nonzero = weights[n] * error * error + strength * rate
                zero = weights[n] * distance * distance + strength * bits[middle]
                costs[2 * kind] = min(zero, nonzero)
                choices[n, 2 * kind] = even if nonzero < zero else 0
            chosen = 0
            for s in range(states):
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


def _quantizer_of(machine: Machine) -> Callable[..., Indices]:
    search: Any = _search_of(machine)

    def quantize(latents: Latents, parameters: Parameters, weights: Latents, setting: Setting, state: int) -> Indices:
        """Return int32 (n,) indices; the strength is the squared error, in steps², that one bit is worth."""
        indices = np.empty(len(latents), np.int32)
        tables = setting.tables
        search(
            latents, parameters.means, parameters.rows, weights, setting.step, setting.strength, setting.points,
            tables.radius, tables.start, tables.bits, state, indices,
        )  # fmt: skip
        return indices

    return quantize


quantize_by_four = _quantizer_of(FOUR_STATES)
quantize_by_eight = _quantizer_of(EIGHT_STATES)
