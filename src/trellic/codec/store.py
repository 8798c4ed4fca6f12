"""Decoded units that are needed now, and no others: strips come from top to bottom."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from trellic.codec.tiles import LATENT
from trellic.codec.units import DecodedUnit
from trellic.container import Box, Grid
from trellic.model.model import Floats

DecodeUnits = Callable[[Sequence[int]], Iterable[DecodedUnit]]
"""Decodes tiles by their numbers, in raster order."""


class UnitStore:
    """Units by the number of their tile, each with the box that it covers; what is not needed goes."""

    def __init__(self, grid: Grid, decode: DecodeUnits, scale: int) -> None:
        self.grid, self.decode, self.scale = grid, decode, scale
        self.held: dict[int, tuple[Box, DecodedUnit]] = {}

    def hold(self, box: Box, bottom: int) -> None:
        """Decode the missing part of the box, and drop what lies above it, to its left, or below a line."""
        needed = list(self.grid.touching(box))
        rest = self.grid.picture._replace(left=box.left, top=box.top, bottom=bottom)
        self.held = {
            number: self._cut(*self.held[number], rest)
            for number in needed
            if number in self.held and self._covers(number, box)
        }
        missing = [number for number in needed if number not in self.held]
        for number, unit in zip(missing, self.decode(missing), strict=True):
            self.held[number] = self._cut(self.grid.tile(number), unit, rest)

    def _covers(self, number: int, box: Box) -> bool:
        """Return whether a tile's latents that are held are all that a box needs of them."""
        shared = self.grid.tile(number).common(box)
        return shared.common(self.held[number][0]) == shared

    def has_latents(self, box: Box) -> bool:
        """Return whether any of a box is coded as latents."""
        return any(self.held[number][1].latents is not None for number in self.grid.touching(box))

    def gather(self, box: Box) -> Floats:
        """Return the latents of a box that has some, zero where units have none; sides are multiples of 16."""
        parts = [self.held[number] for number in self.grid.touching(box)]
        coded = [(place, unit.latents) for place, unit in parts if unit.latents is not None]
        if len(parts) == 1 and coded[0][0] == box:
            return coded[0][1]
        gathered = np.zeros((len(coded[0][1]), box.height // LATENT, box.width // LATENT), np.float32)
        for place, latents in coded:
            shared = place.common(box)
            gathered[:, *shared.within(box, LATENT)] = latents[:, *shared.within(place, LATENT)]
        return gathered

    def _cut(self, place: Box, unit: DecodedUnit, box: Box) -> tuple[Box, DecodedUnit]:
        """Return the part of a unit's latents, and of its alpha, that lies in a box, as a copy where it is smaller."""
        shared = place.common(box)
        if shared == place or unit.latents is None:
            return place, unit
        latents = unit.latents[:, *shared.within(place, LATENT)].copy()
        alpha = None if unit.alpha is None else unit.alpha[*shared.within(place, self.scale)].copy()
        return shared, replace(unit, latents=latents, alpha=alpha)
