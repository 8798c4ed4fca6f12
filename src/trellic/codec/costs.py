"""What coding a picture by latents costs, place by place, so that an exact coding can be weighed against it.

A place is a cell of 16×16 pixels, that of a latent. Its cost is what training minimizes: bits and λ times the squared
error, λ growing with the quality.
"""

import numpy as np
import numpy.typing as npt

from trellic.codec.coding import Pass
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Seen
from trellic.codec.positions import Floats
from trellic.codec.tiles import LATENT
from trellic.container import Box, Grid
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.bits import bits_of
from trellic.entropy.states import CdfIndices, Indices
from trellic.metrics import lambda_at
from trellic.model import Model

FLAT_BITS = 2.0
"""Of a cell."""


class Costs:
    """Bits and squared errors of a picture's cells, float64 (H/16, W/16) of the picture as it is coded.

    errors  sums over the three samples of each pixel, in 8-bit units
    """

    def __init__(self, grid: Grid) -> None:
        shape = grid.picture.height // LATENT, grid.picture.width // LATENT
        self.bits: npt.NDArray[np.float64] = np.zeros(shape)
        self.errors: npt.NDArray[np.float64] = np.zeros(shape)

    def seen(self, tile: Box, model: Model, deployed: DeployedQuantizer) -> Seen:
        """Return what adds the bits of a tile's passes, as an encoder shows them, to its cells."""
        cells = self.bits[_cells(tile)]

        def see(at: Pass, indices: Indices, cdf_indices: CdfIndices, values: Floats) -> None:
            times = model.schedule.variables[at.step.variable].stride // LATENT
            height, width = cells.shape[0] // times, cells.shape[1] // times
            found = bits_of(cdf_indices, indices, deployed.tables_of(at.step.tables))
            bits = np.bincount(at.positions % (height * width), found, height * width).reshape(height, width)
            cells[:] += np.kron(bits, np.full((times, times), times**-2.0))

        return see

    def settle(self, tile: Box, bits: float) -> None:
        """Divide bits of a tile that are not its latents' among its cells."""
        cells = self.bits[_cells(tile)]
        cells += bits / cells.size

    def spread_flat(self, tile: Box) -> None:
        """Add what latents of a tile of one colour may take, which nobody counted: more than the colour does."""
        self.bits[_cells(tile)] += FLAT_BITS

    def bits_of(self, box: Box) -> float:
        """Return the bits of a box whose edges are multiples of 16."""
        return float(self.bits[_cells(box)].sum())

    def error_of(self, box: Box, quality: int) -> float:
        """Return what the squared error of such a box is worth in bits, at a quality of 0 to 25600."""
        return error_weight(quality) * float(self.errors[_cells(box)].sum())


def error_weight(quality: int) -> float:
    """Return what a squared error of 1 in one sample is worth in bits, at a quality of 0 to 25600."""
    return lambda_at(quality / HIGHEST_QUALITY) / 3


def _cells(box: Box) -> tuple[slice, slice]:
    return box.within(Box(0, 0, box.right, box.bottom), LATENT)
