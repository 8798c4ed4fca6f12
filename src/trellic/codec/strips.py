"""Units → pixels: a picture, or a region of it, from top to bottom in strips."""

import sys
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from trellic.codec.deblocking import deblock
from trellic.codec.resources import Resources
from trellic.codec.restoration import restore
from trellic.codec.store import DecodeUnits, UnitStore
from trellic.codec.tiles import LATENT, SIDE, surroundings
from trellic.codec.view import FULL, View
from trellic.container import Box, Grid, Header
from trellic.container.grid import STRIDE, coded
from trellic.container.restoration import deblocks, weights_of
from trellic.picture.types import Pixels, interleave

LARGEST_SHOWN = (3 * SIDE // 2 + STRIDE) ** 2
"""Pixels of the largest tile that `Grid.of` makes for SIDE."""
HUGE, MOST_SHOWN = 1 << 26, 1 << 21
"""Pixels of a picture that takes so much memory itself that less is synthesized at a time; those of a part, about."""


def shown_grid(grid: Grid) -> Grid:
    """Return what is synthesized at a time: small pictures and tiles whole, else halves of tiles of about SIDE.

    A synthesis takes more memory than the latents it starts from, so that large tiles are shown in smaller ones, and in
    huge pictures by quarters. Blocks are shown together: each alone would take its margin anew.
    """
    as_coded = grid.tile_width * grid.tile_height <= LARGEST_SHOWN and not grid.predicted
    tiles = grid if as_coded else Grid.of(grid.width, grid.height, SIDE)
    across = 2 if grid.width * grid.height > HUGE else 1
    if tiles.tiles == 1 or tiles.tile_width * tiles.tile_height <= SIDE**2 // (2 * across):
        return tiles
    return tiles._replace(tile_width=coded(tiles.tile_width // across), tile_height=coded(tiles.tile_height // 2))


class StripDecoder:
    """Shows a region, a row of tiles at a time; only tiles are decoded that it touches, or whose latents it sees.

    region  what is shown: the one that was asked for, widened to multiples of the view's scale
    A row is shown in parts. The latents of a row of tiles of more than `held` pixels are not held together, and a tile
    of it is then decoded once for each row of what is shown. Where there is one such row, that takes no more time.
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
        self.sessions, self.workers = resources.sessions, resources.workers
        self.header, self.grid, self.view = header, header.grid, view
        self.margin = view.margin(self.sessions.model)
        self.restoration = None
        if header.restoration and view == FULL:
            self.restoration = weights_of(header.restoration, header.grid)
        self.region = (region or header.grid.shown).aligned(view.scale)
        self.units = UnitStore(self.grid, decode, view.scale)
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
        return sum(1 for boxes in self.rows for held in self._held(boxes) for _ in _parts(held))

    def parts(self) -> Iterator[tuple[Box, Pixels, Pixels]]:
        """Yield boxes with their pixels, uint8 (h, w, 3), and alpha, (h, w), row by row, each from left to right."""
        for boxes in self.rows:
            together = list(self._held(boxes))
            for held in together:
                seen = _hull(held).grown(self.margin, self.grid.picture)
                self.units.hold(seen, self.grid.picture.bottom if len(together) == 1 else seen.bottom)
                yield from map(self._show, _parts(held))

    def _held(self, boxes: list[Box]) -> Iterator[list[Box]]:
        """Yield the boxes of a row, as many at a time as have latents that may be held."""
        alone = len(self.rows) == 1
        if not alone and _hull(boxes).width * self.grid.tile_height <= self.held:
            yield boxes
        else:
            yield from _at_a_time(boxes, MOST_SHOWN // self.grid.tile_height)

    def _show(self, boxes: list[Box]) -> tuple[Box, Pixels, Pixels]:
        """Return the box of what boxes show, with its pixels and alpha."""
        shown, scale = _hull(boxes).common(self.region), self.view.scale
        height, width = shown.height // scale, shown.width // scale
        pixels = np.empty((height, width, 3), np.uint8)
        alpha = np.full((height, width), 255, np.uint8)
        for box, planes in zip(boxes, self.workers.map(self._synthesize, boxes), strict=True):
            shared = box.common(shown)
            if planes is not None:
                interleave(planes[:, *shared.within(box, scale)], pixels[*shared.within(shown, scale)])
        if self.header.grey:
            pixels[:] = one_channel(pixels)
        self._put(shown, pixels, alpha)
        return shown, pixels, alpha

    def _synthesize(self, box: Box) -> Pixels | None:
        """Return the pixels of a box at the view's scale, uint8 (3, H, W); None where all of it is coded otherwise."""
        if not self.units.has_latents(box):
            return None
        around = surroundings(box, box.grown(self.margin, self.grid.picture), self.units.has_latents)
        latents = self.units.gather(around)
        pixels = self.view.render(self.sessions, latents, self.header.quality)
        if self.restoration:
            if deblocks(self.header.restoration):
                deblock(pixels, around, self.grid, self.header.quality)
            if self.header.grey:
                pixels = one_channel(pixels.transpose(1, 2, 0)).transpose(2, 0, 1)
            pixels = restore(pixels, around, box, self.grid, self.restoration)
        return pixels[:, *box.within(around, self.view.scale)]

    def _put(self, strip: Box, pixels: Pixels, alpha: Pixels) -> None:
        """Put the pixels and the alpha of exact units into a strip."""
        for number in self.grid.touching(strip):
            place, unit = self.units.held[number]
            shared, scale = place.common(strip), self.view.scale
            for own, plane in ((unit.pixels, pixels), (unit.alpha, alpha)):
                if own is not None:
                    plane[*shared.within(strip, scale)] = own[*shared.within(place, scale)]


def _hull(boxes: list[Box]) -> Box:
    """Return the box around the boxes of a row."""
    return boxes[0]._replace(right=boxes[-1].right)


def _parts(boxes: list[Box]) -> Iterator[list[Box]]:
    """Yield the boxes of a row, as many at a time as are shown in a part."""
    return _at_a_time(boxes, MOST_SHOWN // boxes[0].height)


def _at_a_time(boxes: list[Box], width: int) -> Iterator[list[Box]]:
    """Yield the boxes of a row, some at a time: about so many pixels, one box at least."""
    count = max(1, width // boxes[0].width)
    return (boxes[first : first + count] for first in range(0, len(boxes), count))


def one_channel(pixels: Pixels) -> Pixels:
    """Return the rounded mean of the three channels in all three: what a grey stream decodes to."""
    grey = (pixels.sum(axis=2, dtype=np.uint16) + 1) // 3
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
