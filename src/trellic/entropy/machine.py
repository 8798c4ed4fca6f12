"""Which of a row's tables codes an index: a state machine that the parities of the indices before it drive.

A scalar quantizer has one state and one table a row. A trellis-coded one has two tables a row, of *kind* 0 or 1, for
its two sets of levels; encoder and decoder walk the same states, so that nothing is sent to say which is meant.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import ROWS
from trellic.kernels import kernel

Rows = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int32]


class Machine(NamedTuple):
    """A state machine; it starts in state 0.

    transitions  uint8 (states, 2): the next state after an even index, and after an odd one
    kinds        uint8 (states,): the kind of table that codes the next index
    """

    transitions: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.uint8]

    @property
    def remembers(self) -> bool:
        """Whether there is more than one state."""
        return len(self.kinds) > 1


MEMORYLESS = Machine(np.zeros((1, 2), np.uint8), np.zeros(1, np.uint8))

FOUR_STATES = Machine(
    np.array([(0, 2), (2, 0), (1, 3), (3, 1)], np.uint8),
    np.array([0, 0, 1, 1], np.uint8),
)
"""After dependent quantization in H.266 (VVC), with 4 states."""

EIGHT_STATES = Machine(
    np.array([(0, 2), (5, 7), (1, 3), (6, 4), (2, 0), (4, 6), (3, 1), (7, 5)], np.uint8),
    np.array([0, 1, 0, 1, 0, 1, 0, 1], np.uint8),
)
"""The same with 8 states, as in the Enhanced Compression Model."""


@kernel
def _walk(rows, indices, transitions, kinds, state, table_rows):  # type: ignore[no-untyped-def]
    for n in range(len(rows)):
        table_rows[n] = rows[n] + ROWS * kinds[state]
        state = transitions[state, indices[n] & 1]
    return state


def walk(machine: Machine, rows: Rows, indices: Indices, state: int) -> tuple[Rows, int]:
    """Return the table row of each index, uint8 (n,), and the state after the last.

    A table row is row + 64 · kind.
    """
    if not machine.remembers:
        return rows, state
    table_rows = np.empty(len(rows), np.uint8)
    return table_rows, _walk(rows, indices, machine.transitions, machine.kinds, state, table_rows)
