"""Tiles of a stream as they are asked for: regions at full size, previews at 1/2, 1/4 and 1/8, and means beyond.

A region takes the tiles of the stream that it touches; a preview of it the first groups of their latents. What is
smaller than 1/8 is made from the whole preview at 1/8, which is decoded once.
"""

from dataclasses import replace
from functools import lru_cache
from threading import Lock

from trellic.codec import Codec
from trellic.codec.view import FULL, averaged
from trellic.container import Stream
from trellic.picture.types import Picture
from trellic.zoom.kinds import tile_bytes
from trellic.zoom.levels import TILE, Levels

SMALLEST = 8
"""The scale of the smallest preview."""
KEPT = 512
"""Tiles that are kept."""


class TileSource:
    """Tiles of one stream, by level, column and row, as files of a suffix."""

    def __init__(self, codec: Codec, stream: Stream, suffix: str) -> None:
        self.codec, self.stream, self.suffix = codec, stream, suffix
        self.levels = Levels(stream.header.width, stream.header.height)
        self.tile = lru_cache(KEPT)(self._tile)
        self._whole: Picture | None = None
        self._lock = Lock()

    def _tile(self, level: int, column: int, row: int) -> bytes:
        """Return a tile that there is. Raises as `Codec.decode` does."""
        scale, region = self.levels.scale(level), self.levels.region(level, column, row)
        if scale <= SMALLEST:
            view = FULL if scale == 1 else self.codec.preview_view(scale)
            return tile_bytes(self.codec.decode_strips(self.stream, region, view).join(), self.suffix)
        left, top = column * TILE, row * TILE
        picture, times = self._smallest(), scale // SMALLEST
        part = slice(top * times, (top + TILE) * times), slice(left * times, (left + TILE) * times)
        alpha = None if picture.alpha is None else averaged(picture.alpha[part], times)
        shown = replace(picture, pixels=averaged(picture.pixels[part], times), alpha=alpha)
        return tile_bytes(shown, self.suffix)

    def _smallest(self) -> Picture:
        """Return the whole picture at 1/8."""
        with self._lock:
            if self._whole is None:
                self._whole = self.codec.decode_strips(self.stream, view=self.codec.preview_view(SMALLEST)).join()
            return self._whole
