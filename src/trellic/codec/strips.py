"""Tiles → pixels: a picture, or a region of it, from top to bottom in strips."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from trellic.codec.decoder import Seen, decode_latents, synthesize, unseen
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.tiles import LATENT, MARGIN, SIDE, LatentStore, Workers
from trellic.container import Box, Contents, Grid
from trellic.container.grid import STRIDE, coded
from trellic.model import Sessions
from trellic.model.model import Floats
from trellic.picture.payloads import unpack_alpha
from trellic.picture.types import Pixels, interleave
from trellic.quantize import quantizer_numbered

LARGEST_SHOWN = (3 * SIDE // 2 + STRIDE) ** 2
"""Pixels of the largest tile that `Grid.of` makes for SIDE."""


def decode_tile(sessions: Sessions, contents: Contents, number: int, see: Seen = unseen) -> Floats:
    """Return the latents of a tile by its number, as `decode_latents` does."""
    tile = contents.grid.tile(number)
    header = contents.header
    deployed = DeployedQuantizer.of(sessions.model, quantizer_numbered(header.quantizer))
    data = contents.pieces[number].latents.read()
    return decode_latents(sessions, data, tile.height, tile.width, header.quality, deployed, header.step, see)["y"]


def decode_alpha(contents: Contents, number: int) -> Pixels | None:
    """Return alpha of a tile, uint8 (H, W), which ends where the picture does; None where it is opaque.

    Raises DamagedStream.
    """
    stored, grid = contents.pieces[number].alpha, contents.grid
    tile = grid.tile(number).common(Box(0, 0, grid.width, grid.height))
    return unpack_alpha(stored.read(), tile.width, tile.height) if stored else None


def shown_grid(grid: Grid) -> Grid:
    """Return what is synthesized at a time: a small picture whole, else halves of tiles of about SIDE.

    A synthesis takes more memory than the latents it starts from, so that large tiles are shown in smaller ones.
    """
    tiles = grid if grid.tile_width * grid.tile_height <= LARGEST_SHOWN else Grid.of(grid.width, grid.height, SIDE)
    if tiles.tiles == 1:
        return tiles
    return tiles._replace(tile_height=coded(tiles.tile_height // 2))


@dataclass
class StripDecoder:
    """Decodes a region, a row of tiles at a time; only tiles are decoded that it touches, or whose latents it sees."""

    sessions: Sessions
    contents: Contents
    region: Box
    workers: Workers

    def __post_init__(self) -> None:
        self.grid = self.contents.grid
        self.shown = shown_grid(self.grid)
        self.latents = LatentStore(
            self.grid, lambda number: decode_tile(self.sessions, self.contents, number), self.workers
        )
        self.rows = [list(row) for _, row in groupby(self.shown.touching(self.region), self._row_of)]
        self.needed = self.region.aligned(LATENT)
        self.alpha: dict[int, Pixels | None] = {}

    def strips(self) -> Iterator[tuple[Pixels, Pixels | None]]:
        """Yield pixels, uint8 (h, W, 3), and alpha, (h, W), or None where the whole picture is opaque."""
        has_alpha = self.contents.has_alpha
        for numbers in self.rows:
            boxes = [self.shown.tile(number).common(self.needed) for number in numbers]
            hull = boxes[0]._replace(right=boxes[-1].right)
            self.latents.hold(hull.grown(MARGIN, self.grid.picture))
            strip = hull.common(self.region)
            pixels = np.empty((strip.height, strip.width, 3), np.uint8)
            for box, planes in zip(boxes, self.workers.map(self._synthesize, boxes), strict=True):
                shared = box.common(strip)
                interleave(planes[:, *shared.within(box)], pixels[*shared.within(strip)])
            yield pixels, self._alpha_of(strip) if has_alpha else None

    def _synthesize(self, box: Box) -> Pixels:
        """Return the pixels of a box, uint8 (3, H, W)."""
        around = box.grown(MARGIN, self.grid.picture)
        planes = synthesize(self.sessions, {"y": self.latents.gather(around)}, self.contents.header.quality)
        return planes[:, *box.within(around)]

    def _alpha_of(self, strip: Box) -> Pixels:
        """Return alpha of a strip, 255 where a tile is opaque."""
        alpha = np.full((strip.height, strip.width), 255, np.uint8)
        kept, self.alpha = self.alpha, {}
        for number in self.grid.touching(strip):
            found = kept[number] if number in kept else decode_alpha(self.contents, number)
            tile, self.alpha[number] = self.grid.tile(number), found  # the next strip may need it again
            if found is not None:
                shared = tile.common(strip)
                alpha[*shared.within(strip)] = found[*shared.within(tile)]
        return alpha

    def _row_of(self, number: int) -> int:
        return number // self.shown.columns
