"""Units → pixels: a picture, or a region of it, from top to bottom in strips."""

import sys
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from trellic.codec.resources import Resources
from trellic.codec.store import DecodeUnits, UnitStore
from trellic.codec.tiles import LATENT, SIDE, surroundings
from trellic.codec.view import FULL, View
from trellic.container import Box, Grid, Header
from trellic.container.grid import STRIDE, coded
from trellic.picture.types import Pixels, interleave

LARGEST_SHOWN = (3 * SIDE // 2 + STRIDE) ** 2
"""Pixels of the largest tile that `Grid.of` makes for SIDE."""


def shown_grid(grid: Grid) -> Grid:
    """Return what is synthesized at a time: a small picture whole, else halves of tiles of about SIDE.

    A synthesis takes more memory than the latents it starts from, so that large tiles are shown in smaller ones. Blocks
    are shown together: each alone would take its margin anew.
    """
    as_coded = grid.tile_width * grid.tile_height <= LARGEST_SHOWN and not grid.predicted
    tiles = grid if as_coded else Grid.of(grid.width, grid.height, SIDE)
    if tiles.tiles == 1:
        return tiles
    return tiles._replace(tile_height=coded(tiles.tile_height // 2))


class StripDecoder:
    """Shows a region, a row of tiles at a time; only tiles are decoded that it touches, or whose latents it sees.

    region  what is shown: the one that was asked for, widened to multiples of the view's scale
    A row of more than `held` pixels is shown in parts, so that its latents need not be held together; a tile of it is
    then decoded once for each row of what is shown.
    """

    def __init__(
        self,
        resources: Resources,
        header: Header,
        decode: DecodeUnits,
        region: Box | None = None,
        view: View = FULL,
        held: int = sys.maxsize,
    ) -> None:
        """Show a region, or all, of a picture whose units `decode` gives, at the view's scale."""
        self.sessions, self.workers = resources
        self.header, self.grid, self.view = header, header.grid, view
        self.margin = view.margin(self.sessions.model)
        self.region = (region or header.grid.shown).aligned(view.scale)
        self.units = UnitStore(self.grid, decode)
        self.held = held
        self.needed = self.region.aligned(LATENT)
        grid = shown_grid(self.grid)
        self.rows = [
            [grid.tile(number).common(self.needed) for number in row]
            for _, row in groupby(grid.touching(self.region), lambda number: number // grid.columns)
        ]

    @property
    def count(self) -> int:
        """How many parts there are."""
        return sum(1 for boxes in self.rows for _ in self._parts(boxes))

    def parts(self) -> Iterator[tuple[Box, Pixels, Pixels]]:
        """Yield boxes with their pixels, uint8 (h, w, 3), and alpha, (h, w), row by row, each from left to right."""
        for boxes in self.rows:
            for part in self._parts(boxes):
                shown, scale = _hull(part).common(self.region), self.view.scale
                height, width = shown.height // scale, shown.width // scale
                pixels = np.empty((height, width, 3), np.uint8)
                alpha = np.full((height, width), 255, np.uint8)
                self._show(part, shown, pixels, alpha)
                yield shown, pixels, alpha

    def _parts(self, boxes: list[Box]) -> Iterator[list[Box]]:
        """Yield the boxes of a row, as many at a time as may be held."""
        count = max(1, self.held // (boxes[0].width * self.grid.tile_height))
        yield from (boxes[first : first + count] for first in range(0, len(boxes), count))

    def _show(self, boxes: list[Box], shown: Box, pixels: Pixels, alpha: Pixels) -> None:
        """Put what boxes show into pixels, uint8 (h, w, 3), and alpha, (h, w), of a box."""
        self.units.hold(_hull(boxes).grown(self.margin, self.grid.picture))
        scale = self.view.scale
        for box, planes in zip(boxes, self.workers.map(self._synthesize, boxes), strict=True):
            shared = box.common(shown)
            if planes is not None:
                interleave(planes[:, *shared.within(box, scale)], pixels[*shared.within(shown, scale)])
        if self.header.grey:
            pixels[:] = one_channel(pixels)
        self._put(shown, pixels, alpha)

    def _synthesize(self, box: Box) -> Pixels | None:
        """Return the pixels of a box at the view's scale, uint8 (3, H, W); None where all of it is coded otherwise."""
        if not self.units.has_latents(box):
            return None
        around = surroundings(box, box.grown(self.margin, self.grid.picture), self.units.has_latents)
        latents = self.units.gather(around)
        pixels = self.view.render(self.sessions, latents, self.header.quality)
        return pixels[:, *box.within(around, self.view.scale)]

    def _put(self, strip: Box, pixels: Pixels, alpha: Pixels) -> None:
        """Put the pixels and the alpha of exact units into a strip."""
        for number in self.grid.touching(strip):
            tile, unit = self.grid.tile(number), self.units.held[number][1]
            shared, scale = tile.common(strip), self.view.scale
            for own, plane in ((unit.pixels, pixels), (unit.alpha, alpha)):
                if own is not None:
                    plane[*shared.within(strip, scale)] = own[*shared.within(tile, scale)]


def _hull(boxes: list[Box]) -> Box:
    """Return the box around the boxes of a row."""
    return boxes[0]._replace(right=boxes[-1].right)


def one_channel(pixels: Pixels) -> Pixels:
    """Return the rounded mean of the three channels in all three: what a grey stream decodes to."""
    grey = (pixels.sum(axis=2, dtype=np.uint16) + 1) // 3
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
