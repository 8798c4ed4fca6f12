"""The errors of a picture while it is coded, from the latents in hand: no stream is decoded."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from trellic.codec.fit_restoration import Fit
from trellic.codec.resources import Resources
from trellic.codec.strips import StripDecoder
from trellic.codec.tiles import LATENT
from trellic.codec.units import CodedUnit, DecodedUnit
from trellic.container import Box, Header
from trellic.picture.types import Pixels


def errors_of_units(
    resources: Resources, header: Header, units: Iterator[CodedUnit], fit: Fit | None = None
) -> npt.NDArray[np.float64]:
    """Return the squared errors of a picture's units as decoded, each taken when its strip is shown.

    fit  is shown the picture as it is decoded before restoration
    Sums over cells of 16×16 pixels and three samples, (H/16, W/16) of the picture as it is coded.
    """
    originals: dict[int, Pixels] = {}
    grid = header.grid
    errors = np.zeros((grid.picture.height // LATENT, grid.picture.width // LATENT))

    numbered, waiting = enumerate(units), dict[int, DecodedUnit]()

    def decode(numbers: Sequence[int]) -> Iterator[DecodedUnit]:
        for wanted in numbers:  # of a wide row of blocks a part at a time: units that come before it wait
            while wanted not in waiting:
                number, unit = next(numbered)
                originals[number], waiting[number] = unit.original, unit.decoded
            yield waiting.pop(wanted)

    for strip, pixels, _ in StripDecoder(resources, header, decode).parts():
        for number in grid.touching(strip):
            tile = grid.tile(number)
            shared = tile.common(strip)
            original, shown = originals[number][*shared.within(tile)], pixels[*shared.within(strip)]
            _add_errors(original, shown, shared, errors)
            if fit:
                fit.add(shared, shown.transpose(2, 0, 1), original.transpose(2, 0, 1))
        done = grid.picture._replace(right=strip.right, bottom=strip.bottom)
        for number in [number for number in originals if grid.tile(number).common(done) == grid.tile(number)]:
            del originals[number]
    return errors


def _add_errors(original: Pixels, shown: Pixels, box: Box, errors: npt.NDArray[np.float64]) -> None:
    """Add the squared errors of a box, whose upper left corner is one of a cell, to its cells."""
    squares = np.square(original.astype(np.int32) - shown).sum(axis=2)
    rows, columns = (np.arange(0, side, LATENT) for side in squares.shape)
    sums = np.add.reduceat(np.add.reduceat(squares, rows, axis=0), columns, axis=1)
    top, left = box.top // LATENT, box.left // LATENT
    errors[top : top + len(rows), left : left + len(columns)] += sums
