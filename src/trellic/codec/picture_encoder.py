"""A picture to streams, at one quality after another, or exactly.

A photograph is coded by latents. What looks drawn is coded exactly where that is smaller: tile by tile, in small tiles
where a picture is part drawn and part photograph, and as a whole.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.drawn import BLOCK, drawn_fraction
from trellic.codec.exact import LARGEST_SIDE, QUICK, THOROUGH, Effort
from trellic.codec.fidelity import psnr_of_units
from trellic.codec.rate_control import Encoded
from trellic.codec.resources import Resources
from trellic.codec.tiles import Window, windows
from trellic.codec.units import CodedUnit, ExactCoder, code_unit
from trellic.codec.visibility import PSNR
from trellic.container import Grid, Header, Section, SectionType, write_stream
from trellic.container.grid import MOST_AT_ONCE
from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.picture.payloads import pack_metadata
from trellic.picture.types import Source

LEAST_DRAWN, MOSTLY_DRAWN = 0.05, 0.5
"""Fractions of blocks that look drawn: from the first on small tiles are tried, from the second on a whole tile is."""

Progress = Callable[[int, int], None]
"""Takes how many tiles are done, and how many there are."""


def no_progress(done: int, tiles: int) -> None:
    """Report nothing."""


class Attempt(NamedTuple):
    """A stream, and the fraction of its picture that looks drawn."""

    encoded: Encoded
    drawn: float


@dataclass
class PictureEncoder:
    """Encodes a picture.

    header         of its streams, but for the quality
    resources_for  returns what works on so many tiles
    tune           the measure that errors are weighed for
    searches       whether better latents are searched for
    measured       whether the PSNR is wanted
    adapter        the section that its resources' adapter needs
    progress       called with the number of tiles that are done, and of all, each time that they are coded
    """

    picture: Source
    header: Header
    deployed: DeployedQuantizer
    resources_for: Callable[[int], Resources]
    tune: str = PSNR
    searches: bool = False
    measured: bool = False
    adapter: Section | None = None
    progress: Progress = no_progress
    exact: ExactCoder = field(default_factory=ExactCoder)

    def __post_init__(self) -> None:
        self.metadata = [Section(kind, data) for kind, data in pack_metadata(self.picture.metadata).items()]

    def encode_at(self, quality: int) -> Encoded:
        """Return the smallest stream at a quality in 1/256 of a point."""
        header = replace(self.header, quality=quality)
        encoded, drawn = self._try(header)
        found = [encoded]
        small = Grid.of(header.width, header.height, BLOCK)
        if LEAST_DRAWN <= drawn < 1 and self._fits_at_once and small != header.grid:
            found.append(self._try(replace(header, grid=small), QUICK).encoded)
        if drawn >= MOSTLY_DRAWN and self._fits_at_once and header.grid.tiles > 1:
            found.append(self._encode_exactly(header))
        return min(found, key=lambda encoded: len(encoded.data))

    def encode_exactly(self) -> Encoded:
        """Return the stream that decodes to the picture itself."""
        return self._encode_exactly(replace(self.header, quality=HIGHEST_QUALITY))

    @property
    def _fits_at_once(self) -> bool:
        width, height = self.header.width, self.header.height
        return width * height <= MOST_AT_ONCE and max(width, height) <= LARGEST_SIDE

    def _try(self, header: Header, effort: Effort = THOROUGH) -> Attempt:
        """Code every tile by latents, or exactly where that is smaller at an effort."""
        sessions, workers = self.resources_for(header.grid.at_once)
        fractions: list[float] = []

        def code(window: Window) -> tuple[CodedUnit, float]:
            fraction = drawn_fraction(window.own)
            if fraction == 1 and (window.own == window.own[0, 0]).all():
                return self.exact.code(window), fraction
            unit = code_unit(sessions, self.deployed, header.quality, window, self.tune, self.searches)
            if fraction >= MOSTLY_DRAWN:
                unit = self.exact.smaller(unit, window, effort) or unit
            return unit, fraction

        def units() -> Iterator[CodedUnit]:
            for unit, fraction in workers.map(code, windows(self.picture, header.grid, sessions.model.margin)):
                fractions.append(fraction)
                yield unit

        return Attempt(self._write(header, units()), sum(fractions) / len(fractions))

    def _encode_exactly(self, header: Header) -> Encoded:
        """Code the picture exactly, as a whole where that can be."""
        if self._fits_at_once:
            header = replace(header, grid=Grid.whole(header.width, header.height))
        seen = windows(self.picture, header.grid, 0)
        return self._write(header, self.resources_for(header.grid.at_once).workers.map(self.exact.code, seen))

    def _write(self, header: Header, units: Iterator[CodedUnit]) -> Encoded:
        """Return the stream of units, each taken when it is coded."""
        sections, bits = list(self.metadata), 0.0

        def taken() -> Iterator[CodedUnit]:
            nonlocal bits
            for done, unit in enumerate(units, 1):
                sections.extend(unit.sections)
                bits += unit.estimated_bits
                self.progress(done, header.grid.tiles)
                yield unit

        psnr = psnr_of_units(self.resources_for(header.grid.at_once), header, taken()) if self.measured else None
        if not self.measured:
            deque(taken(), maxlen=0)
        if self.adapter and any(section.type == SectionType.LATENTS for section in sections):
            sections.insert(0, self.adapter)
        return Encoded(write_stream(header, sections), header.quality / QUALITY_ONE, bits, psnr)
