"""Tiles: parts of a picture that are coded apart, so that memory is bounded and a region is decoded alone.

The analysis of a tile sees the pixels around it and the synthesis the latents around it, as far as they matter, so that
both compute what they would for the whole picture. The prediction of latents ends at a tile's edge, which costs bits;
where most latents are their predicted means, at low quality and in small tiles, the edge can show.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np

from trellic.container import Box, Grid
from trellic.container.grid import STRIDE
from trellic.picture.types import Pixels, Source
from trellic.processors import processors

SIDE = 1024
"""Of a tile, about, in pixels."""
LATENT = 16
"""Side of the pixels that a latent covers."""
MOST_WORKERS = 4
"""Tiles that are worked on at a time, each of which takes memory of its own."""

Given = TypeVar("Given")
Made = TypeVar("Made")


class Window(NamedTuple):
    """A tile with its surroundings.

    pixels  uint8 (H, W, 3) of the box `around`, which ends where the picture as it is coded does
    own     of the tile alone, uint8 (H, W, 3), which end where the picture does
    alpha   of them, uint8 (H, W); None where they are opaque
    """

    pixels: Pixels
    around: Box
    tile: Box
    own: Pixels
    alpha: Pixels | None

    def seeing(self, box: Box) -> "Window":
        """Return the window with smaller surroundings."""
        return self._replace(pixels=self.pixels[*box.within(self.around)], around=box)


def surroundings(box: Box, around: Box, has_latents: Callable[[Box], bool]) -> Box:
    """Return what a transform sees around a box: the sides of a larger one beyond which there are latents.

    has_latents  whether any of a box is coded as latents
    Any other side is treated as the picture's edge, by the analysis as by the synthesis.
    """
    beyond = {
        "left": box._replace(left=around.left, right=box.left),
        "top": box._replace(top=around.top, bottom=box.top),
        "right": box._replace(left=box.right, right=around.right),
        "bottom": box._replace(top=box.bottom, bottom=around.bottom),
    }
    return around._replace(**{side: getattr(box, side) for side, part in beyond.items() if not has_latents(part)})


class Workers:
    """Threads that work on tiles, in order, no further ahead than there are threads, since results wait in memory."""

    def __init__(self, threads: int, tiles: int) -> None:
        self.count = min(threads or processors(), tiles, MOST_WORKERS)

    def map(self, work: Callable[[Given], Made], items: Iterable[Given]) -> Iterator[Made]:
        """Yield `work` of each item in order."""
        if self.count == 1:
            yield from map(work, items)
            return
        with ThreadPoolExecutor(self.count) as pool:
            waiting: deque[Future[Made]] = deque()
            try:
                for item in items:
                    waiting.append(pool.submit(work, item))
                    if len(waiting) > self.count:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:  # where one failed, or no more are wanted
                pool.shutdown(cancel_futures=True)


def windows(source: Source, grid: Grid, margin: int) -> Iterator[Window]:
    """Yield every tile with a margin around it, in raster order; a row of tiles is read from the source at a time.

    The margin is made a multiple of 64, the pixels that one position of z covers.
    """
    margin += -margin % STRIDE
    for row in range(grid.rows):
        lines = grid.tile(row * grid.columns)._replace(right=grid.picture.right).grown(margin, grid.picture)
        pixels, alpha = source.rows(lines.top, min(lines.bottom, grid.height))
        for number in grid.row(row):
            tile = grid.tile(number)
            around = tile.grown(margin, grid.picture)
            seen = pixels[*around.within(lines)]
            missing = (0, around.height - seen.shape[0]), (0, around.width - seen.shape[1]), (0, 0)
            its = alpha[*tile.within(lines)] if alpha is not None else None
            opaque = its is None or int(its.min()) == 255
            own = pixels[*tile.within(lines)]
            yield Window(np.pad(seen, missing, mode="edge"), around, tile, own, None if opaque else its)
