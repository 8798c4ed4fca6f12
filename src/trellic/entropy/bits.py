"""What indices cost in bits by their tables, escapes included: what range coding will take, to within a few bytes."""

import numpy as np
import numpy.typing as npt

from trellic.entropy.rans import LENGTH_BITS
from trellic.entropy.states import CdfIndices, Indices
from trellic.entropy.tables import Tables
from trellic.kernels import kernel


@kernel
def index_bits(index, cdf_index, radius, start, bits):  # type: ignore[no-untyped-def]
    """Return the bits that an index costs by a table, escape and all; for kernels."""
    r = radius[cdf_index]
    if -r <= index <= r:
        return bits[start[cdf_index] + index + r]
    excess = abs(index) - r
    length = 0
    while excess >> (length + 1):
        length += 1
    return bits[start[cdf_index] + 2 * r + 1] + np.float32(LENGTH_BITS + 1 + length)


@kernel
def _bits(cdf_indices, indices, radius, start, bits, found):  # type: ignore[no-untyped-def]
    for n in range(len(cdf_indices)):
        found[n] = index_bits(indices[n], cdf_indices[n], radius, start, bits)


def bits_of(cdf_indices: CdfIndices, indices: Indices, tables: Tables) -> npt.NDArray[np.float64]:
    """Return what coding each index will cost in bits, (n,)."""
    found = np.empty(len(cdf_indices))
    _bits(cdf_indices, indices, tables.radius, tables.start, tables.bits, found)
    return found


def estimate_bits(cdf_indices: CdfIndices, indices: Indices, tables: Tables) -> float:
    """Return what coding the indices will cost in bits, to within rounding and the five bytes or so of final states."""
    return float(bits_of(cdf_indices, indices, tables).sum())
