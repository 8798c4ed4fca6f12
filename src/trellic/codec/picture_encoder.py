"""A picture to streams, at one quality after another."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.rate_control import Encoded
from trellic.codec.resources import Resources
from trellic.codec.strips import StripDecoder
from trellic.codec.tiles import windows
from trellic.codec.units import CodedUnit, DecodedUnit, code_unit
from trellic.container import Box, Header, Section, write_stream
from trellic.container.header import QUALITY_ONE
from trellic.metrics import psnr_of
from trellic.picture.payloads import pack_metadata
from trellic.picture.types import Pixels, Source

Progress = Callable[[int, int], None]
"""Takes how many tiles are done, and how many there are."""


def no_progress(done: int, tiles: int) -> None:
    """Report nothing."""


@dataclass
class PictureEncoder:
    """Encodes a picture.

    header    of its streams, but for the quality
    measured  whether the PSNR is wanted
    progress  called with the number of tiles that are done, and of all, each time that they are coded
    """

    picture: Source
    header: Header
    deployed: DeployedQuantizer
    resources: Resources
    measured: bool = False
    progress: Progress = no_progress

    def __post_init__(self) -> None:
        self.metadata = [Section(kind, data) for kind, data in pack_metadata(self.picture.metadata).items()]

    def encode_at(self, quality: int) -> Encoded:
        """Return the stream at a quality in 1/256 of a point."""
        header = replace(self.header, quality=quality)
        sections, bits = list(self.metadata), 0.0

        def taken() -> Iterator[CodedUnit]:
            nonlocal bits
            for done, unit in enumerate(self._units(quality), 1):
                sections.extend(unit.sections)
                bits += unit.estimated_bits
                self.progress(done, header.grid.tiles)
                yield unit

        psnr = self._psnr(header, taken()) if self.measured else None
        if not self.measured:
            deque(taken(), maxlen=0)
        return Encoded(write_stream(header, sections), quality / QUALITY_ONE, bits, psnr)

    def _units(self, quality: int) -> Iterator[CodedUnit]:
        """Code every tile, in raster order."""
        sessions, workers = self.resources
        seen = windows(self.picture, self.header.grid)
        return workers.map(lambda window: code_unit(sessions, self.deployed, quality, window), seen)

    def _psnr(self, header: Header, units: Iterator[CodedUnit]) -> float:
        """Return the PSNR in dB of what units decode to, each taken when its strip is shown."""
        originals: dict[int, Pixels] = {}

        def decode(numbers: Sequence[int]) -> Iterator[DecodedUnit]:
            for number, unit in zip(numbers, units, strict=False):
                originals[number] = unit.original
                yield unit.decoded

        errors, top, grid = 0, 0, header.grid
        for pixels, _ in StripDecoder(self.resources, header, decode).strips():
            strip = Box(0, top, header.width, top + len(pixels))
            for number in grid.touching(strip):
                tile = grid.tile(number)
                shared = tile.common(strip)
                error = originals[number][*shared.within(tile)].astype(np.int32) - pixels[*shared.within(strip)]
                errors += int(np.square(error).sum(dtype=np.int64))
            top = strip.bottom
            for done in [number for number in originals if grid.tile(number).bottom <= top]:
                del originals[done]
        return psnr_of(errors / (3 * header.width * header.height))
