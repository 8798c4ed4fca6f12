"""Coding choices among two or three, each with frequencies of its own, between indices that are coded by tables.

A choice has two boundaries: below the first lies the slot of choice 0, below the second that of 1, above it that of 2;
the second is 2¹⁶ where there are two.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.entropy.rans import LOWEST, WORD_BITS, Decoder, Encoder
from trellic.entropy.states import Indices, ScaleIndices
from trellic.entropy.tables import PRECISION, TOTAL, Tables
from trellic.errors import DamagedStream
from trellic.kernels import kernel

Boundaries = npt.NDArray[np.uint32]
"""uint32 (n, 2), rising."""
Choices = npt.NDArray[np.uint8]


@kernel
def _slots(boundaries, choices, starts, frequencies):  # type: ignore[no-untyped-def]
    for n in range(len(choices)):
        first, second = boundaries[n, 0], boundaries[n, 1]
        if choices[n] == 0:
            starts[n], frequencies[n] = 0, first
        elif choices[n] == 1:
            starts[n], frequencies[n] = first, second - first
        else:
            starts[n], frequencies[n] = second, TOTAL - second


@kernel
def _choose(words, at, first, second, boundaries, choices):  # type: ignore[no-untyped-def]
    """Decode one choice for each; return words read and the coder's states."""
    mask, precision, word = np.uint64(TOTAL - 1), np.uint64(PRECISION), np.uint64(WORD_BITS)
    lowest = np.uint64(LOWEST)
    for n in range(len(choices)):
        slot = first & mask
        low, high = np.uint64(0), np.uint64(boundaries[n, 0])
        choice = 0
        if slot >= high:
            low, high = high, np.uint64(boundaries[n, 1])
            choice = 1
            if slot >= high:
                low, high = high, np.uint64(TOTAL)
                choice = 2
        value = (high - low) * (first >> precision) + slot - low
        if value < lowest and at < len(words):
            value = (value << word) | np.uint64(words[at])
            at += 1
        first, second = second, value
        choices[n] = choice
    return at, first, second


class ChoiceEncoder(Encoder):
    """Collects indices and choices in decoding order."""

    def push_choices(self, boundaries: Boundaries, choices: Choices) -> None:
        """Add choices, uint8 (n,)."""
        starts, frequencies = np.empty(len(choices), np.uint32), np.empty(len(choices), np.uint32)
        _slots(boundaries, choices, starts, frequencies)
        self._starts.append(starts)
        self._frequencies.append(frequencies)

    def extend(self, other: Encoder) -> None:
        """Add all that another has collected."""
        self._starts += other._starts
        self._frequencies += other._frequencies

    @property
    def bits(self) -> float:
        """What is collected takes so many bits, to within the few bytes of final states."""
        return float(sum((PRECISION - np.log2(one)).sum() for one in self._frequencies))


class ChoiceDecoder(Decoder):
    """Reads indices and choices back in order."""

    def pull_choices(self, boundaries: Boundaries) -> Choices:
        """Return the next choices, uint8 (n,). Raises DamagedStream."""
        choices = np.empty(len(boundaries), np.uint8)
        at, first, second = _choose(self._words, self._at, self._states[0], self._states[1], boundaries, choices)
        self._go_on(np.array([first, second], np.uint64), at)
        return choices


class CutDecoder(ChoiceDecoder):
    """Reads data whose end is missing: what is decoded before a missing word is needed is right.

    What it returns is shorter than what is asked for where the data ends.
    """

    def __init__(self, data: bytes) -> None:
        try:
            super().__init__(data, cut=True)
        except DamagedStream:  # not even the states are there
            super().__init__(b"")
        self._initial = 0

    def pull(self, scale_indices: ScaleIndices, tables: Tables) -> Indices:
        """Return the next indices as far as they are there, int32."""
        pull = super().pull
        indices: Indices = self._longest(lambda count: pull(scale_indices[:count], tables), len(scale_indices))
        last = len(indices) - 1
        if 0 <= last < len(scale_indices) - 1 and abs(indices[last]) > tables.radius[scale_indices[last]]:
            return indices[:last]  # some of an escape's bits may be missing
        return indices

    def pull_choices(self, boundaries: Boundaries) -> Choices:
        """Return the next choices as far as they are there, uint8."""
        pull = super().pull_choices
        choices: Choices = self._longest(lambda count: pull(boundaries[:count]), len(boundaries))
        return choices

    def _longest(self, pull: Callable[[int], Any], wanted: int) -> Any:
        """Return as much as can be pulled: a state below 2³¹ stays there, so that a search by halves finds its end."""
        begin = self._states, self._at

        def pulled(count: int) -> Any:
            self._states, self._at = begin
            try:
                return pull(count)
            except DamagedStream:  # after the end, indices may be impossible
                return None

        low, high = 0, wanted
        found = pulled(wanted)
        if found is not None and not self._is_over:
            return found
        while low < high:
            half = (low + high) // 2
            over = pulled(half) is None or self._is_over
            low, high = (low, half) if over else (half + 1, high)
        found = pulled(low)
        return pulled(low - 1) if found is None else found

    @property
    def _is_over(self) -> bool:
        return bool((self._states < LOWEST).any())
