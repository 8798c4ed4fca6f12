"""One picture under rate control: coded at any quality, tile by tile."""

from collections.abc import Callable

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import analyse_tile, encode_latents
from trellic.codec.tiles import Window, Workers, windows
from trellic.container import Grid
from trellic.model import Sessions
from trellic.picture.payloads import pack_alpha
from trellic.picture.types import Source

Progress = Callable[[int, int], None]
"""Takes how many tiles are done, and how many there are."""


def no_progress(done: int, tiles: int) -> None:
    """Tell nobody."""


class Trial:
    """Codes a picture at one quality after another."""

    def __init__(
        self,
        sessions: Sessions,
        deployed: DeployedQuantizer,
        picture: Source,
        grid: Grid,
        workers: Workers,
        progress: Progress,
    ) -> None:
        self.sessions, self.deployed, self.picture = sessions, deployed, picture
        self.grid, self.workers, self.progress = grid, workers, progress

    def code(self, quality: int) -> tuple[list[tuple[bytes, bytes]], float]:
        """Return every tile's latents and alpha as bytes, and the bits that the tables promise for all latents.

        quality  in 1/256 of a point
        """

        def code_tile(window: Window) -> tuple[bytes, bytes, float]:
            analysed = analyse_tile(self.sessions, window, quality)
            coded = encode_latents(self.sessions, analysed, self.deployed)
            alpha = pack_alpha(window.alpha) if window.alpha is not None else b""
            return coded.data, alpha, coded.estimated_bits

        found = self.workers.map(code_tile, windows(self.picture, self.grid))
        pieces, bits = [], 0.0
        for latents, alpha, promised in found:
            pieces.append((latents, alpha))
            bits += promised
            self.progress(len(pieces), self.grid.tiles)
        return pieces, bits
