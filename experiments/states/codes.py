"""The best codes of a number of states, searched on a source: `python -m experiments.states.codes 16 32`.

The source is what the prior promises: Gaussians of mixed scales. A code is as good as the least error + λ · bits that
its trellis reaches. All codes are tried on few samples, the best again on more; the best few of these are to be
compared on pictures, by `run`.
"""

import sys
from collections.abc import Iterator

import numpy as np

from experiments.speed.run import gaussians
from trellic.entropy.tables import gaussian_tables
from trellic.kernels import kernel
from trellic.quantize.levels import no_offsets
from trellic.quantize.tcq import extend, states_of, structure_of, weigh

SHORT, LONG = 20_000, 250_000
"""Samples that all codes are tried on, and those that KEPT of them are."""
KEPT, SHOWN = 40, 5
RATE_WEIGHT = 0.1
ANCHOR = 0o17, 0o4
Code = tuple[int, int]


@kernel
def least_cost(values, scale_indices, rate_weight, offsets, radius, start, bits, sets, flips):  # type: ignore[no-untyped-def]
    """Return the cost of the cheapest path, from state 0."""
    total, extended = np.full(2 * len(sets), np.inf), np.empty(2 * len(sets))
    survivors, choices, costs = np.empty(len(sets), np.uint8), np.empty((2, 2), np.int32), np.empty((2, 2))
    total[0] = 0.0
    for n in range(len(values)):
        scale_index = int(scale_indices[n])
        weigh(abs(values[n]), scale_index, 1.0, rate_weight, offsets, radius, start, bits, costs, choices)
        extend(total, costs, sets, flips, extended, survivors)
        total[:] = extended
    return total.min()


def codes_of(states: int) -> Iterator[Code]:
    """Yield every code with so many states whose two polynomials have no factor in common."""
    for h0 in range(states + 1, 2 * states, 2):
        for h1 in range(2, states, 2):
            if common_divisor(h0, h1) == 1:
                yield h0, h1


def common_divisor(a: int, b: int) -> int:
    """Return the greatest common divisor of polynomials over GF(2), by Euclid."""
    while b:
        while a.bit_length() >= b.bit_length():
            a ^= b << (a.bit_length() - b.bit_length())
        a, b = b, a
    return a


def main(numbers: list[int]) -> None:
    scale_indices, values = gaussians()
    order = np.random.default_rng(1).permutation(len(values))
    scale_indices, values = scale_indices[order], values[order].astype(np.float64)
    tables = gaussian_tables(sets=2)

    def cost(code: Code, count: int) -> float:
        known = no_offsets(2), tables.radius, tables.start, tables.bits
        return float(
            least_cost(values[:count], scale_indices[:count], RATE_WEIGHT, *known, *structure_of(states_of(*code)))
        )

    anchor = cost(ANCHOR, LONG)
    for states in numbers:
        kept = sorted(codes_of(states), key=lambda code: cost(code, SHORT))[:KEPT]
        for found, (h0, h1) in sorted((cost(code, LONG), code) for code in kept)[:SHOWN]:
            print(
                f"{states} states: {h0:o} {h1:o}  {100 * (found / anchor - 1):+.3f} % of the cost of eight states",
                flush=True,
            )


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]])
