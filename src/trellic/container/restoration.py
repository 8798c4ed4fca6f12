"""Weights of the restoration filter in a stream's header, those of one region of the picture after another.

A byte says what filter it is, and whether blocks are deblocked before. Then come bits, the highest of each byte first:
for each region one bit, whether it has weights; if so, those of all its pixels in Exp-Golomb codes; and, of the filter
by bands, for each band of luma one bit, whether its weights differ, and if so by how much. The last byte is filled up
with zeros.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from trellic.container.grid import Grid, coded
from trellic.container.packed import GROUP
from trellic.errors import DamagedStream, UnsupportedStream

PLAIN, BANDED = 1, 2
"""What filter it is: the same weights for all luma, or others in each band."""
DEBLOCKED = 2
"""Added to that where blocks are deblocked before, see `codec/deblocking.py`."""
PLANES, FEATURES, BANDS = 3, 19, 8
LARGEST = 63
"""Of weights, either way: the sum of all products with features is then below 2²⁴."""
LONGEST_ZEROS = 6
"""Of the code of such a weight."""

ONE = bytes([1])

Weights = npt.NDArray[np.int8]
"""Of one region, int8 (1 + BANDS, PLANES, FEATURES): those of all pixels, and what each band of luma adds to them."""


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


def write_weights(regions: Sequence[Weights | None], deblocks: bool = False) -> bytes:
    """Return the header's part; nothing where no region has weights and nothing is deblocked."""
    if not deblocks and all(weights is None for weights in regions):
        return b""
    kind = BANDED if any(weights is not None and weights[1:].any() for weights in regions) else PLAIN
    bits = "".join("0" if weights is None else _bits_of(weights, kind) for weights in regions)
    bits += "0" * (-len(bits) % 8)
    return bytes([kind + DEBLOCKED * deblocks]) + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _bits_of(weights: Weights, kind: int) -> str:
    first, *bands = ("".join(map(code_of, part.ravel().tolist())) for part in weights)
    if kind == BANDED:
        first += "".join("1" + codes if part.any() else "0" for part, codes in zip(weights[1:], bands, strict=True))
    return "1" + first


def deblocks(data: bytes) -> bool:
    """Return whether the header's part says that blocks are deblocked."""
    return data[:1] in {bytes([PLAIN + DEBLOCKED]), bytes([BANDED + DEBLOCKED])}


def weights_of(data: bytes, grid: Grid) -> Sequence[Weights | None]:
    """Return the weights of a picture's regions. Raises DamagedStream or UnsupportedStream."""
    return read_weights(data, regions_of(grid).tiles, grid.predicted)


@lru_cache(4)  # regions of one stream are asked for again and again
def read_weights(data: bytes, count: int, blocks: bool = False) -> Sequence[Weights | None]:
    """Return the weights of so many regions, which may be of blocks. Raises DamagedStream or UnsupportedStream."""
    if not data:
        return (None,) * count
    kind = data[0] - DEBLOCKED if blocks and deblocks(data) else data[0]
    if kind not in (PLAIN, BANDED):
        raise UnsupportedStream(f"a restoration of kind {data[0]}, which this release does not know")
    bands = BANDS if kind == BANDED else 0
    most = 1 + bands + (1 + bands) * PLANES * FEATURES * (2 * LONGEST_ZEROS + 1)
    if len(data) > 2 + count * most // 8:
        raise DamagedStream(f"{len(data)} bytes are too many for the restoration of {count} regions")
    bits, regions = _Bits(data[1:]), list[Weights | None]()
    for _ in range(count):
        if not bits.pull():
            regions.append(None)
            continue
        weights = np.zeros((1 + BANDS, PLANES, FEATURES), np.int8)
        weights[0] = bits.pull_set()
        for band in range(1, 1 + bands):
            if bits.pull():
                weights[band] = bits.pull_set()
        if np.abs(weights[0].astype(int) + weights[1:]).max() > LARGEST:
            raise DamagedStream("weights of the restoration add up to more than they can be")
        regions.append(weights)
    bits.finish()
    return tuple(regions)


class _Bits:
    """Bits of bytes, one after another."""

    def __init__(self, data: bytes) -> None:
        self.bits, self.at = np.unpackbits(np.frombuffer(data, np.uint8)).tobytes(), 0

    def pull(self) -> bool:
        """Return whether the next bit is 1; beyond the end it is not."""
        self.at += 1
        return self.bits[self.at - 1 : self.at] == ONE

    def pull_set(self) -> npt.NDArray[np.int8]:
        """Return one set of weights, int8 (PLANES, FEATURES). Raises DamagedStream."""
        found = []
        for _ in range(PLANES * FEATURES):
            first = self.bits.find(ONE, self.at, self.at + LONGEST_ZEROS + 1)
            value = 0
            for bit in self.bits[first : 2 * first - self.at + 1]:
                value = 2 * value + bit
            if first < 0 or 2 * first - self.at >= len(self.bits):
                raise DamagedStream("weights of the restoration are cut short, or too large")
            self.at = 2 * first - self.at + 1
            found.append(-(value // 2) if value % 2 else value // 2)
        return np.array(found, np.int8).reshape(PLANES, FEATURES)

    def finish(self) -> None:
        """Raise DamagedStream unless all but the last byte's filling was pulled."""
        if self.at > len(self.bits) or len(self.bits) - self.at >= 8 or ONE in self.bits[self.at :]:
            raise DamagedStream("weights of the restoration end where they should not")
