"""Weights in eight bits: each row of an array is a multiple of its own step.

An array that was rounded so stays an ordinary one of single precision. Model files store it in half the bytes of half
precision, since `EightBits.of` finds the integers and steps again.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LARGEST = 127
STEPS = ".steps"
"""What follows an array's name in the name of its steps."""


@dataclass(frozen=True)
class EightBits:
    """Integers and steps of an array.

    counts  int8 (rows, …), at most 127 either way
    steps   float16 (rows,): what one count stands for
    """

    counts: npt.NDArray[np.int8]
    steps: npt.NDArray[np.float16]

    @classmethod
    def rounded(cls, values: npt.NDArray[Any]) -> "EightBits":
        """Return the nearest such array to any (rows, …); a row's largest magnitude becomes 127 steps."""
        rows = values.astype(np.float32).reshape(len(values), -1)
        steps = (np.abs(rows).max(axis=1) / np.float32(LARGEST)).astype(np.float16)
        units = np.where(steps > 0, steps, np.float16(1)).astype(np.float32)[:, None]
        counts = np.clip(np.rint(rows / units), -LARGEST, LARGEST)
        return cls(counts.astype(np.int8).reshape(values.shape), steps)

    @classmethod
    def of(cls, values: npt.NDArray[Any]) -> "EightBits | None":
        """Return integers and steps of an array of single precision with axes beside rows, None where it has none."""
        if values.dtype != np.float32 or values.ndim < 2 or not values.any():
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            found = cls.rounded(values)
            same = np.array_equal(found.values, values)
        return found if same else None

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """The array, float32 (rows, …): the products are exact."""
        steps = self.steps.astype(np.float32).reshape(-1, *(1,) * (self.counts.ndim - 1))
        return self.counts.astype(np.float32) * steps
