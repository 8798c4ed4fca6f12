"""Weights of the restoration filter in a stream's header, those of one region of the picture after another.

A byte says what filter it is. Then come bits, the highest of each byte first: for each region one bit, whether it has
weights; if so, its weights in Exp-Golomb codes. The last byte is filled up with zeros.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from trellic.container.grid import Grid, coded
from trellic.container.packed import GROUP
from trellic.errors import DamagedStream, UnsupportedStream

KIND = 1
PLANES, FEATURES = 3, 19
LARGEST = 63
"""Of weights, either way: the sum of all products with features is then below 2²⁴."""
LONGEST_ZEROS = 6
"""Of the code of such a weight."""

Weights = npt.NDArray[np.int8]
"""int8 (PLANES, FEATURES), of one region."""


def regions_of(grid: Grid) -> Grid:
    """Return the regions of a picture, each with weights of its own: its tiles, or groups of its blocks."""
    if not grid.predicted:
        return grid
    sides = min(GROUP * grid.tile_width, coded(grid.width)), min(GROUP * grid.tile_height, coded(grid.height))
    return Grid(grid.width, grid.height, *sides)


def code_of(weight: int) -> str:
    """Return a weight's bits as text: Exp-Golomb codes of 0, 1, −1, 2, −2, …"""
    binary = f"{2 * abs(weight) + (weight <= 0):b}"
    return "0" * (len(binary) - 1) + binary


def write_weights(regions: Sequence[Weights | None]) -> bytes:
    """Return the header's part; nothing where no region has weights."""
    if all(weights is None for weights in regions):
        return b""
    bits = "".join(
        "0" if weights is None else "1" + "".join(map(code_of, weights.ravel().tolist())) for weights in regions
    )
    bits += "0" * (-len(bits) % 8)
    return bytes([KIND]) + int(bits, 2).to_bytes(len(bits) // 8, "big")


@lru_cache(4)  # regions of one stream are asked for again and again
def read_weights(data: bytes, count: int) -> Sequence[Weights | None]:
    """Return the weights of so many regions. Raises DamagedStream or UnsupportedStream."""
    if not data:
        return [None] * count
    if data[0] != KIND:
        raise UnsupportedStream(f"a restoration of kind {data[0]}, which this release does not know")
    if len(data) > 2 + count * (1 + PLANES * FEATURES * (2 * LONGEST_ZEROS + 1)) // 8:
        raise DamagedStream(f"{len(data)} bytes are too many for the restoration of {count} regions")
    bits = np.unpackbits(np.frombuffer(data, np.uint8, offset=1)).tobytes()
    ones = bytes([1])
    regions: list[Weights | None] = []
    at = 0
    for _ in range(count):
        has_weights, at = bits[at : at + 1] == ones, at + 1
        if not has_weights:
            regions.append(None)
            continue
        found = []
        for _ in range(PLANES * FEATURES):
            first = bits.find(ones, at, at + LONGEST_ZEROS + 1)
            value = 0
            for bit in bits[first : 2 * first - at + 1]:
                value = 2 * value + bit
            if first < 0 or 2 * first - at >= len(bits):
                raise DamagedStream("weights of the restoration are cut short, or too large")
            at = 2 * first - at + 1
            found.append(-(value // 2) if value % 2 else value // 2)
        regions.append(np.array(found, np.int8).reshape(PLANES, FEATURES))
    if at > len(bits) or len(bits) - at >= 8 or ones in bits[at:]:
        raise DamagedStream("weights of the restoration end where they should not")
    return tuple(regions)
