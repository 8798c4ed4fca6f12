"""Trellis states: the parities of the indices before it decide which set of levels, Q0 or Q1, an index belongs to.

A scalar quantizer has one state, one set and one table for each scale. A trellis-coded quantizer has two sets of
levels and two tables for each scale. Encoder and decoder follow the same states, so that the set is never sent.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import SCALES
from trellic.kernels import kernel

ScaleIndices = npt.NDArray[np.uint8]
"""Which of the 64 scales a latent has, by its parameters."""
CdfIndices = npt.NDArray[np.uint8]
"""Which table codes an index: scale index + 64 · set."""
Indices = npt.NDArray[np.int32]


class States(NamedTuple):
    """The states of a trellis; coding starts in state 0.

    transitions  uint16 (states, 2): the next state after an even index, and after an odd one
    sets         uint8 (states,): the set of levels, 0 or 1, of the next index
    """

    transitions: npt.NDArray[np.uint16]
    sets: npt.NDArray[np.uint8]

    @property
    def is_trellis(self) -> bool:
        """Whether there is more than one state."""
        return len(self.sets) > 1

    @property
    def set_count(self) -> int:
        """How many sets of levels there are."""
        return int(self.sets.max()) + 1


ONE_STATE = States(np.zeros((1, 2), np.uint16), np.zeros(1, np.uint8))


@kernel
def _walk(scale_indices, indices, transitions, sets, state, cdf_indices):  # type: ignore[no-untyped-def]
    for n in range(len(scale_indices)):
        cdf_indices[n] = scale_indices[n] + SCALES * sets[state]
        state = transitions[state, indices[n] & 1]
    return state


def walk(states: States, scale_indices: ScaleIndices, indices: Indices, state: int) -> tuple[CdfIndices, int]:
    """Return the cdf index of each index, uint8 (n,), and the state after the last."""
    if not states.is_trellis:
        return scale_indices, state
    cdf_indices = np.empty(len(scale_indices), np.uint8)
    return cdf_indices, _walk(scale_indices, indices, states.transitions, states.sets, state, cdf_indices)
