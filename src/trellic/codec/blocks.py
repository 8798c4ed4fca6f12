"""Blocks: tiles that predict each other in two colours, those of a checkerboard.

Black blocks are coded as any tile; white ones then see a ring of latents of their black neighbours. So a block takes at
most four others, and all of a colour may be worked on at a time.
Source of prediction between blocks: Wu et al., Learned Block-Based Hybrid Image Compression (2022).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from trellic.codec.ring import NO_RING, Ring, ring_of
from trellic.codec.tiles import Window, Workers
from trellic.codec.units import CodedUnit, DecodedUnit
from trellic.container import Grid
from trellic.container.grid import Beside

Rings = Mapping[int, Ring]
"""Numbers of blocks, and what each sees."""
Payloads = Mapping[int, Sequence[bytes]]
"""Numbers of blocks, and what each is decoded from; of others, too."""
DecodeRinged = Callable[[Rings, Payloads], Iterable[DecodedUnit]]
"""Decodes blocks in the order of their rings."""

CodeRinged = Callable[[int, Window, Ring], CodedUnit]


class Edges:
    """Edges of black blocks, by number, as long as they are needed: rows of blocks come from top to bottom."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.held: dict[int, Ring] = {}

    def missing_of(self, number: int) -> list[int]:
        """Return the black neighbours of a block, if it is white, whose edges are not held."""
        if self.grid.is_black(number):
            return []
        return [each for each in self.grid.beside(number) if each is not None and each not in self.held]

    def ring(self, number: int) -> Ring:
        """Return what a block sees."""
        if self.grid.is_black(number):
            return NO_RING
        return ring_of(Beside(*(None if each is None else self.held[each] for each in self.grid.beside(number))))

    def put(self, number: int, unit: DecodedUnit) -> None:
        """Hold the edges of a black block."""
        if self.grid.is_black(number) and unit.edges is not None:
            self.held[number] = unit.edges

    def drop_above(self, row: int) -> None:
        """Drop edges above a row of blocks."""
        self.held = {number: edges for number, edges in self.held.items() if number >= row * self.grid.columns}


class BlockDecoder:
    """Decodes blocks by their numbers, and the black ones that white ones see, each once; all is read at once.

    read  returns what blocks are decoded from, by their numbers in rising order
    """

    def __init__(self, grid: Grid, read: Callable[[Sequence[int]], list[list[bytes]]], decode: DecodeRinged) -> None:
        self.grid, self.read, self.decode = grid, read, decode
        self.edges = Edges(grid)
        self.ahead: dict[int, DecodedUnit] = {}

    def __call__(self, numbers: Sequence[int]) -> Iterator[DecodedUnit]:
        """Yield blocks in the order of their numbers, which rise. Raises as `read` and `decode` do."""
        if not numbers:
            return
        first = numbers[0] // self.grid.columns
        self.edges.drop_above(first - 1)
        self.ahead = {number: unit for number, unit in self.ahead.items() if number >= numbers[0]}
        whites = [number for number in numbers if not self.grid.is_black(number)]
        seen = {each for number in whites for each in self.edges.missing_of(number)}
        wanted = {number for number in numbers if self.grid.is_black(number) and number not in self.ahead}
        blacks = dict.fromkeys(sorted(seen | wanted), NO_RING)
        needed = sorted([*blacks, *whites])
        payloads = dict(zip(needed, self.read(needed), strict=True))
        found = self.ahead | dict(zip(blacks, self.decode(blacks, payloads), strict=True))
        for number, unit in found.items():
            self.edges.put(number, unit)
        rings = {number: self.edges.ring(number) for number in whites}
        found |= dict(zip(rings, self.decode(rings, payloads), strict=True))
        yield from (found.pop(number) for number in numbers)
        self.ahead = found


def code_blocks(grid: Grid, windows: Iterable[Window], code: CodeRinged, workers: Workers) -> Iterator[CodedUnit]:
    """Yield blocks, coded, in raster order, as windows come in that order: a row of them waits for the next one."""
    edges, waiting, done = Edges(grid), dict[int, Window](), dict[int, CodedUnit]()

    def code_all(chosen: dict[int, Window]) -> None:
        rings = {number: edges.ring(number) for number in chosen}
        units = workers.map(lambda number: code(number, chosen[number], rings[number]), chosen)
        for number, unit in zip(chosen, units, strict=True):
            done[number] = unit
            edges.put(number, unit.decoded)

    for row, numbered in groupby(enumerate(windows), lambda each: each[0] // grid.columns):
        given = dict(numbered)
        code_all({number: window for number, window in given.items() if grid.is_black(number)})
        code_all(waiting)
        waiting = {number: window for number, window in given.items() if not grid.is_black(number)}
        if row:
            yield from (done.pop(number) for number in grid.row(row - 1))
        edges.drop_above(row - 1)
    code_all(waiting)
    yield from (done[number] for number in sorted(done))
