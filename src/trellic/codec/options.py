"""What a codec is made with, as one value: it is pickled, hashed, and kept in the manifests of bulk runs."""

from typing import NamedTuple

from trellic.codec.refinement import Refinement, refinement_of
from trellic.codec.tiles import SIDE
from trellic.container.grid import BLOCK_SIDES, LEAST_SIDE, MOST_SIDE
from trellic.errors import BadRequest
from trellic.limits import MOST_PIXELS
from trellic.model import DEFAULT
from trellic.quantize import DEFAULT_EFFORT, Quantizer, quantizer_for, quantizer_named
from trellic.quantize.lattice import FIXED

SMALLEST_SEARCHED = 512
"""Side of tiles, in pixels, that the default effort searches."""
NO_ADAPTER, BEST_ADAPTER = "none", "best"


class CodecOptions(NamedTuple):
    """The arguments of a `Codec`, which describes them, but for its threads."""

    model: str = DEFAULT
    quantizer: str = ""
    effort: int = DEFAULT_EFFORT
    limit: int = MOST_PIXELS
    tile: int = SIDE
    device: str = "cpu"
    adapter: str = NO_ADAPTER
    embed: bool = False
    predict: bool = False
    restore: bool = True

    def check(self) -> None:
        """Raise BadRequest where tiles or blocks have no such side."""
        if self.predict and self.tile not in BLOCK_SIDES:
            raise BadRequest(f"blocks have sides of {', '.join(map(str, BLOCK_SIDES))} pixels, not {self.tile}")
        if not self.predict and not LEAST_SIDE <= self.tile <= MOST_SIDE:
            raise BadRequest(f"tiles have sides of {LEAST_SIDE} to {MOST_SIDE} pixels, not {self.tile}")

    def encoding(self) -> tuple[Quantizer, Refinement]:
        """Return the quantizer that is named, or that of the effort, and what the encoder does beside it.

        What is coded again and again is not restored: it is to stay as it is. Raises BadRequest.
        """
        if self.quantizer:
            named = quantizer_named(self.quantizer)
            return named, Refinement(restores=self.restore and named.levels is not FIXED)
        parts = self.predict or self.tile < SMALLEST_SEARCHED
        return quantizer_for(self.effort), refinement_of(self.effort, self.restore, parts)
