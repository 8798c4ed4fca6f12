"""The PSNR of a picture while it is coded, from the latents in hand: no stream is decoded."""

from collections.abc import Iterator, Sequence

import numpy as np

from trellic.codec.resources import Resources
from trellic.codec.strips import StripDecoder
from trellic.codec.units import CodedUnit, DecodedUnit
from trellic.container import Box, Header
from trellic.metrics import psnr_of
from trellic.picture.types import Pixels


def psnr_of_units(resources: Resources, header: Header, units: Iterator[CodedUnit]) -> float:
    """Return the PSNR in dB of a picture's units as decoded, each taken when its strip is shown."""
    originals: dict[int, Pixels] = {}

    def decode(numbers: Sequence[int]) -> Iterator[DecodedUnit]:
        for number, unit in zip(numbers, units, strict=False):
            originals[number] = unit.original
            yield unit.decoded

    errors, top, grid = 0, 0, header.grid
    for pixels, _ in StripDecoder(resources, header, decode).strips():
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
