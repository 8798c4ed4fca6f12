"""Zoom levels of a picture, and the tiles of each: z/x/y, as web maps number them.

Level 0 is the whole picture in one tile. Each level has twice the size of the one before, the last the picture's own.
Tiles have 256 pixels a side, the last ones of a row or column fewer.
"""

from dataclasses import dataclass
from typing import Any

TILE = 256


@dataclass(frozen=True)
class Levels:
    """The levels of a picture of a size in pixels."""

    width: int
    height: int

    @property
    def last(self) -> int:
        """The number of the level at the picture's own size."""
        level = 0
        while max(self.width, self.height) > TILE << level:
            level += 1
        return level

    def scale(self, level: int) -> int:
        """Return how many of the picture's pixels, each way, are one of a level's."""
        return 1 << (self.last - level)

    def size(self, level: int) -> tuple[int, int]:
        """Return a level's width and height."""
        scale = self.scale(level)
        return -(-self.width // scale), -(-self.height // scale)

    def has(self, level: int, column: int, row: int) -> bool:
        """Return whether there is such a tile."""
        if not 0 <= level <= self.last:
            return False
        width, height = self.size(level)
        return 0 <= column * TILE < width and 0 <= row * TILE < height

    def region(self, level: int, column: int, row: int) -> tuple[int, int, int, int]:
        """Return x, y, width and height of what a tile shows, in the picture's pixels."""
        side = TILE * self.scale(level)
        left, top = column * side, row * side
        return left, top, min(side, self.width - left), min(side, self.height - top)

    def facts(self, suffix: str) -> dict[str, Any]:
        """Return what a viewer needs to know, as plain JSON values."""
        return {"width": self.width, "height": self.height, "tile": TILE, "levels": self.last + 1, "suffix": suffix}
