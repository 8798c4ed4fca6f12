"""One picture under rate control: coded at any quality, tile by tile."""

from collections.abc import Callable
from functools import cached_property

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Analysed, analyse_tile, code
from trellic.codec.tiles import Window, Workers, windows
from trellic.container import Grid
from trellic.container.grid import MOST_AT_ONCE
from trellic.model.networks import Networks
from trellic.picture.payloads import pack_alpha
from trellic.picture.types import Source

Progress = Callable[[int, int], None]
"""Takes how many tiles are done, and how many there are."""
Tile = tuple[Analysed, bytes]
"""A tile's latents before they are quantized, and its alpha as a PNG, or nothing."""


def no_progress(done: int, tiles: int) -> None:
    """Tell nobody."""


class Trial:
    """Codes a picture at one quality after another.

    often  whether it will be more than one: then the analysis of a picture that is not large is kept
    """

    def __init__(
        self,
        networks: Networks,
        deployed: DeployedQuantizer,
        picture: Source,
        grid: Grid,
        workers: Workers,
        often: bool,
        progress: Progress,
    ) -> None:
        self.networks, self.deployed, self.picture = networks, deployed, picture
        self.grid, self.workers, self.progress = grid, workers, progress
        self.keep = often and picture.width * picture.height <= MOST_AT_ONCE

    def code(self, quality: int) -> tuple[list[tuple[bytes, bytes]], float]:
        """Return every tile's latents and alpha as bytes, and the bits that the tables promise for all latents.

        quality  in 1/256 of a point
        """

        def code_tile(tile: Tile) -> tuple[bytes, bytes, float]:
            analysed, alpha = tile
            coded = code(self.networks, analysed, quality, self.deployed)
            return coded.data, alpha, coded.estimated_bits

        if self.keep:
            found = self.workers.map(code_tile, self._analysed)
        else:
            seen = windows(self.picture, self.grid)
            found = self.workers.map(lambda window: code_tile(self._analyse(window)), seen)
        pieces, bits = [], 0.0
        for latents, alpha, promised in found:
            pieces.append((latents, alpha))
            bits += promised
            self.progress(len(pieces), self.grid.tiles)
        return pieces, bits

    @cached_property
    def _analysed(self) -> list[Tile]:
        return list(self.workers.map(self._analyse, windows(self.picture, self.grid)))

    def _analyse(self, window: Window) -> Tile:
        alpha = pack_alpha(window.alpha) if window.alpha is not None else b""
        return analyse_tile(self.networks, window), alpha
