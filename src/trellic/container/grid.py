"""Where tiles lie: a picture is coded whole, or cut into tiles that are coded apart.

A picture as it is coded is continued at the right and below to multiples of 64. Boxes lie in that, in pixels.
"""

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from trellic.errors import DamagedStream, UnsupportedStream
from trellic.limits import check_size

Each = TypeVar("Each")
STRIDE = 64
"""Pictures are continued to multiples of this, the pixels that one element of z covers."""
SMALLEST_TILE = 128
"""Of a tile's sides, unless the picture is smaller: more tiles of fewer pixels would take more time for their size."""
BLOCK_SIDES = (128, 192, 256, 384)
"""Of blocks, which predict each other, in pixels."""
LEAST_SIDE, MOST_SIDE = 256, 1888
"""What may be asked of `Grid.of`: its tiles have three quarters to one and a half of that side."""
MOST_AT_ONCE = 1 << 23
"""Pixels of a tile, or of a picture that is coded whole, at most, and of all tiles that are worked on at a time: what
latents and networks take in memory follows from it, some 60 bytes a pixel in a decoder, several times
that in an encoder that searches."""


class Box(NamedTuple):
    """A rectangle in pixels, its right and lower ends excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    def grown(self, margin: int, within: "Box") -> "Box":
        """Return the box with a margin on all sides, as far as `within` reaches."""
        return Box(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin).common(within)

    def aligned(self, unit: int) -> "Box":
        """Return the smallest box around it whose edges are multiples of a unit."""
        return Box(
            self.left // unit * unit,
            self.top // unit * unit,
            -(-self.right // unit) * unit,
            -(-self.bottom // unit) * unit,
        )

    def common(self, other: "Box") -> "Box":
        """Return what both boxes share."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def within(self, other: "Box", unit: int = 1) -> tuple[slice, slice]:
        """Return the rows and columns where the box lies in another, counted in units of so many pixels."""
        return (
            slice((self.top - other.top) // unit, (self.bottom - other.top) // unit),
            slice((self.left - other.left) // unit, (self.right - other.left) // unit),
        )


class Beside(NamedTuple, Generic[Each]):
    """Something of each of a tile's four neighbours; None where there is none."""

    left: Each | None
    top: Each | None
    right: Each | None
    bottom: Each | None


class Grid(NamedTuple):
    """A picture's size, and that of its tiles: multiples of 64, the last ones of a row or column may be smaller.

    predicted  whether tiles are blocks, which predict each other in two colours
    """

    width: int
    height: int
    tile_width: int
    tile_height: int
    predicted: bool = False

    @classmethod
    def of(cls, width: int, height: int, side: int) -> "Grid":
        """Return tiles of nearly equal size, sides as near to `side` pixels as may be."""
        return cls(width, height, _part(width, side), _part(height, side))

    @classmethod
    def of_blocks(cls, width: int, height: int, side: int) -> "Grid":
        """Return blocks of a side, of BLOCK_SIDES; one tile where a picture has no more."""
        grid = cls(width, height, min(side, coded(width)), min(side, coded(height)))
        return grid._replace(predicted=grid.tiles > 1)

    @classmethod
    def whole(cls, width: int, height: int) -> "Grid":
        """Return the grid of one tile."""
        return cls(width, height, coded(width), coded(height))

    @property
    def picture(self) -> Box:
        """The picture as it is coded."""
        return Box(0, 0, coded(self.width), coded(self.height))

    @property
    def shown(self) -> Box:
        """The picture as it is shown."""
        return Box(0, 0, self.width, self.height)

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return -(-coded(self.width) // self.tile_width)

    @property
    def rows(self) -> int:
        """Tiles in a column."""
        return -(-coded(self.height) // self.tile_height)

    @property
    def tiles(self) -> int:
        """How many there are."""
        return self.columns * self.rows

    def tile(self, number: int) -> Box:
        """Return a tile by its number in raster order."""
        row, column = divmod(number, self.columns)
        left, top = column * self.tile_width, row * self.tile_height
        return Box(left, top, left + self.tile_width, top + self.tile_height).common(self.picture)

    def is_black(self, number: int) -> bool:
        """Return whether a block is of the colour that is coded first: row + column is even."""
        return sum(divmod(number, self.columns)) % 2 == 0

    def beside(self, number: int) -> Beside[int]:
        """Return the numbers of a tile's neighbours."""
        row, column = divmod(number, self.columns)
        return Beside(
            number - 1 if column else None,
            number - self.columns if row else None,
            number + 1 if column + 1 < self.columns else None,
            number + self.columns if row + 1 < self.rows else None,
        )

    @property
    def at_once(self) -> int:
        """How many tiles may be worked on at a time."""
        return max(1, min(self.tiles, MOST_AT_ONCE // (self.tile_width * self.tile_height)))

    def row(self, number: int) -> range:
        """Return the numbers of a row's tiles."""
        return range(number * self.columns, (number + 1) * self.columns)

    def touching(self, box: Box) -> Iterator[int]:
        """Yield the numbers of the tiles that share a pixel with a box, in raster order."""
        for row in range(box.top // self.tile_height, -(-box.bottom // self.tile_height)):
            for column in range(box.left // self.tile_width, -(-box.right // self.tile_width)):
                yield row * self.columns + column

    @classmethod
    def tiled(cls, width: int, height: int, tile_width: int, tile_height: int) -> "Grid":
        """Return the grid that a stream announces. Raises DamagedStream where none can be so."""
        grid = cls(width, height, tile_width, tile_height)
        possible = all(
            min(SMALLEST_TILE, coded(side)) <= tile <= coded(side)
            for side, tile in ((width, tile_width), (height, tile_height))
        )
        if not possible or grid.tiles == 1:
            raise DamagedStream(f"impossible tiles of {tile_width}×{tile_height}")
        return grid

    def check(self, limit: int) -> None:
        """Raise PictureTooLarge for more pixels, as they are coded, than `limit`: a row costs as much as 64.

        The smallest size that can be coded is always accepted. Raises UnsupportedStream where more is coded at once
        than a decoder has room for.
        """
        check_size(coded(self.width), coded(self.height), max(limit, STRIDE**2))
        if self.tile_width * self.tile_height > MOST_AT_ONCE:
            size = f"{self.tile_width}×{self.tile_height}"
            raise UnsupportedStream(f"{size} pixels coded at once; this release decodes up to {MOST_AT_ONCE}")


def coded(side: int) -> int:
    """Return a side of a picture as it is coded."""
    return side + -side % STRIDE


def _part(side: int, wanted: int) -> int:
    """Return the side of equal tiles."""
    count = max(1, round(coded(side) / wanted))
    return coded(-(-coded(side) // count))
