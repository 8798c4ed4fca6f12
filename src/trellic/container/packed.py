"""Packed blocks: units of 8×8 blocks share one section, with one entry in the index and one checksum.

A section holds the blocks' lengths, then their bytes. A small block would else take seven bytes of the index.
"""

from collections.abc import Iterable, Sequence

from trellic.container.bytes import Reader, varint
from trellic.container.grid import BLOCK_SIDES, Grid
from trellic.container.sections import Section, SectionType
from trellic.errors import DamagedStream

GROUP = 8
"""Blocks in a row and in a column of a group."""


def check_blocks(grid: Grid) -> Grid:
    """Return the grid of tiles that are blocks. Raises DamagedStream where they cannot be."""
    possible = {Grid.of_blocks(grid.width, grid.height, side) for side in BLOCK_SIDES}
    blocks = grid._replace(predicted=True)
    if blocks not in possible:
        raise DamagedStream(f"impossible blocks of {grid.tile_width}×{grid.tile_height}")
    return blocks


def count_of_groups(grid: Grid) -> int:
    """Return how many groups of blocks there are."""
    return -(-grid.rows // GROUP) * -(-grid.columns // GROUP)


def groups_of(grid: Grid) -> list[list[int]]:
    """Return the numbers of the blocks of each group, groups and blocks in raster order."""
    return [
        [row * grid.columns + column for row in rows for column in columns]
        for rows in _runs(grid.rows)
        for columns in _runs(grid.columns)
    ]


def pack(grid: Grid, blocks: Sequence[Sequence[Section]]) -> list[Section]:
    """Return the sections of blocks, each of which has its latents, and its alpha before where it is not opaque."""
    sections = []
    for group in groups_of(grid):
        parts = [[section.payload for section in blocks[number]] for number in group]
        has_alpha = any(len(each) > 1 for each in parts)
        if has_alpha:
            parts = [each if len(each) > 1 else [b"", *each] for each in parts]
        flat = [part for each in parts for part in each]
        payload = b"".join([*(varint(len(part)) for part in flat), *flat])
        sections.append(Section(SectionType.BLOCKS_ALPHA if has_alpha else SectionType.BLOCKS, payload))
    return sections


def unpack(payload: bytes, count: int, type_: int) -> list[list[bytes]]:
    """Return what `pack` packed of each of so many blocks: latents, or alpha and latents. Raises DamagedStream."""
    reader = Reader(payload)
    each = 2 if type_ == SectionType.BLOCKS_ALPHA else 1
    lengths = [reader.varint() for _ in range(each * count)]
    if sum(lengths) != reader.size - reader.at:
        raise DamagedStream(f"blocks of {sum(lengths)} bytes, where there are {reader.size - reader.at}")
    parts = [reader.take(length) for length in lengths]
    blocks = (parts[first : first + each] for first in range(0, len(parts), each))
    return [block[-1:] if block[0] == b"" else block for block in blocks]


def _runs(count: int) -> Iterable[range]:
    return (range(first, min(first + GROUP, count)) for first in range(0, count, GROUP))
