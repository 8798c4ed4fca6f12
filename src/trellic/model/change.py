"""Changes of a model's arrays as integers, and their bytes: a list, then one rANS stream of all integers.

A delta is an integer for each value of an array, a low-rank change two small matrices whose product is added to the
weights of a 1×1 convolution (after Hu et al., LoRA, 2022). Both count a power of two. Specified in docs/format.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trellic.container.bytes import Reader, varint
from trellic.entropy.bits import estimate_bits
from trellic.entropy.rans import Decoder, Encoder
from trellic.entropy.tables import ESCAPE_LIMIT, SCALES, SKIPPED_SCALES, Tables
from trellic.errors import DamagedAdapter, DamagedStream
from trellic.model.arrays import Arrays

MOST_RANK = 16
LARGEST_EXPONENT = 63
"""Of the unit of a change, either way."""

Integers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Change:
    """A change of an array.

    integers  flat: one for each value; or, where rank > 0, those of a matrix (O, rank), then of one (rank, I)
    exponent  the change is the integers, or the product of the matrices, times 2^exponent
    """

    array: str
    shape: tuple[int, ...]
    rank: int
    exponent: int
    integers: Integers

    def values(self) -> npt.NDArray[np.float64]:
        """Return what is added to the array, before a layer's own fixed points."""
        if not self.rank:
            counted = self.integers.astype(np.float64).reshape(self.shape)
        else:
            cut = self.shape[0] * self.rank
            left, right = self.integers[:cut].astype(np.float64), self.integers[cut:].astype(np.float64)
            counted = (left.reshape(-1, self.rank) @ right.reshape(self.rank, -1)).reshape(self.shape)
        return counted * 2.0**self.exponent


def count_of(shape: tuple[int, ...], rank: int) -> int:
    """Return how many integers a change of an array has."""
    return rank * (shape[0] + shape[1]) if rank else math.prod(shape)


def pack_changes(changes: Sequence[Change], arrays: Arrays, tables: Tables) -> bytes:
    """Return the bytes of changes of some of a model's arrays, by a model's tables for one level set.

    Changes that are zero are skipped; nothing is left of none. Raises ValueError for what `unpack_changes` refuses.
    """
    names = sorted(arrays)
    numbered = sorted((names.index(one.array), one) for one in changes if one.integers.any())
    if not numbered:
        return b""
    parts, coder, before = [varint(len(numbered))], Encoder(), -1
    for number, one in numbered:
        if not (0 <= one.rank <= MOST_RANK and abs(one.exponent) <= LARGEST_EXPONENT):
            raise ValueError(f"a change of rank {one.rank} and unit 2^{one.exponent}")
        index = _best_scale(one.integers, tables)
        parts.append(varint(number - before - 1) + bytes([one.rank, one.exponent & 0xFF, index]))
        coder.push(np.full(len(one.integers), index, np.uint8), one.integers, tables)
        before = number
    return b"".join([*parts, coder.finish()])


def unpack_changes(data: bytes, arrays: Arrays, tables: Tables) -> list[Change]:
    """Return the changes that `pack_changes` packed. Raises DamagedAdapter.

    No more integers are read than the arrays can take: memory is bounded by the model's.
    """
    if not data:
        return []
    try:
        return _unpack(data, arrays, tables)
    except DamagedStream as error:
        raise DamagedAdapter(str(error)) from error


def _unpack(data: bytes, arrays: Arrays, tables: Tables) -> list[Change]:
    names, reader, number = sorted(arrays), Reader(data), -1
    heads = []
    for _ in range(reader.varint()):
        number += reader.varint() + 1
        rank, exponent, index = reader.take(3)
        if number >= len(names):
            raise DamagedAdapter(f"changes array {number} of {len(names)}")
        values = arrays[names[number]]
        signed = exponent - 256 * (exponent > 127)
        if rank > MOST_RANK or abs(signed) > LARGEST_EXPONENT or not SKIPPED_SCALES <= index < SCALES:
            raise DamagedAdapter(f"an impossible change of {names[number]}")
        if values.dtype.kind != "f" or (rank and (values.ndim != 4 or values.shape[2:] != (1, 1))):
            raise DamagedAdapter(f"changes {names[number]}, which must stay as it is")
        heads.append((names[number], values.shape, rank, signed, index))
    coder, changes = Decoder(data[reader.at :]), []
    for name, shape, rank, exponent, index in heads:
        integers = coder.pull(np.full(count_of(shape, rank), index, np.uint8), tables)
        changes.append(Change(name, shape, rank, exponent, integers))
    coder.finish()
    return changes


def _best_scale(integers: Integers, tables: Tables) -> int:
    """Return the scale index whose table takes the fewest bits for integers. Raises ValueError for too large ones."""
    if int(np.abs(integers).max()) > ESCAPE_LIMIT:
        raise ValueError(f"an integer of {int(np.abs(integers).max())}")

    def bits(index: int) -> float:
        return estimate_bits(np.full(len(integers), index, np.uint8), integers, tables)

    return min(range(SKIPPED_SCALES, SCALES), key=bits)
