"""Layers of quality: how the latents of a stream are divided into planes, sweeps and layers, and the section for it.

Every latent has one index, and a *plane* gives one more digit of each. Within a plane, a *sweep* codes the digits whose
expected gain for a bit is large enough, and the plane's last sweep all others. A *layer* is one coded payload of each
tile and holds one or more consecutive sweeps; a file that ends after any layer is a picture.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from trellic.container.bytes import Reader, varint
from trellic.errors import DamagedStream, UnsupportedStream

HALVING, TRITS = 2, 3
"""Values that a digit may have: cells are halved, with a zero cell that is wider, or cut into three."""
MOST_PLANES, MOST_SWEEPS = 8, 4
MOST_LAYERS = 1 + (MOST_PLANES - 1) * MOST_SWEEPS
"""Layers of a stream."""
WIDEST_DEAD_ZONE = 512
EXTENDED = 16
"""Bit beside the radix: the section says how fine the finest step is, and which planes an adapter is of."""
LARGEST_STEP = 1 << 20
"""In 1/1024, of the coarsest plane: the interval coder's arithmetic is exact up to it."""


class Sweep(NamedTuple):
    """One walk over all passes, which codes some digits of a plane.

    plane  1 for the coarsest
    least  the expected gain for a bit from which on digits are coded, in 1/64 of the plane's squared step
    is_last  whether it codes all that the plane's earlier ones have left
    """

    plane: int
    least: int
    is_last: bool


@dataclass(frozen=True)
class Layering:
    """How latents are divided.

    radix      HALVING or TRITS
    planes     1 to MOST_PLANES
    dead_zone  how much farther than half a step the finest zero cell reaches, in 1/1024 of the step; 0 for trits
    least      of all but the last sweep of a plane, falling; the first plane has one sweep
    joined     sweeps in each layer
    step       the finest, in 1/1024; 0 for the quantizer's at the stream's quality
    coarse     how many digits a plane lacks at least to be coded with the stream's adapter, which then also shows
               what has none of the last digits, and is for nothing else; 0 where it is for everything
    """

    radix: int
    planes: int
    dead_zone: int
    least: tuple[int, ...]
    joined: tuple[int, ...]
    step: int = 0
    coarse: int = 0

    @cached_property
    def sweeps(self) -> tuple[Sweep, ...]:
        """All sweeps, in coding order."""
        of_plane = [*((least, False) for least in self.least), (0, True)]
        later = [Sweep(plane, *one) for plane in range(2, self.planes + 1) for one in of_plane]
        return (Sweep(1, 0, True), *later)

    @property
    def layers(self) -> int:
        """How many layers a whole stream has."""
        return len(self.joined)

    def sweeps_of(self, layer: int) -> tuple[Sweep, ...]:
        """Return the sweeps of a layer, counted from 0."""
        before = sum(self.joined[:layer])
        return self.sweeps[before : before + self.joined[layer]]

    def is_coarse(self, sweep: Sweep) -> bool:
        """Return whether a sweep has networks of coarse planes."""
        return 0 < self.coarse <= self.planes - sweep.plane

    def shows_coarse(self, layers: int) -> bool:
        """Return whether the picture of the first layers is shown by networks of coarse planes."""
        of_the_last = 1 + len(self.least) if self.planes > 1 else 1
        return self.coarse > 0 and sum(self.joined[:layers]) <= len(self.sweeps) - of_the_last

    def check_step(self, step: int) -> None:
        """Raise UnsupportedStream where the first plane's step is too large for that of the last, in 1/1024."""
        coarsest = step * self.radix ** (self.planes - 1)
        if coarsest > LARGEST_STEP:
            raise UnsupportedStream(f"a first plane of step {coarsest} is more than this release decodes")

    def write(self) -> bytes:
        """Return the section's payload."""
        head = bytes([self.radix | EXTENDED * bool(self.step), self.planes]) + varint(self.dead_zone)
        divided = bytes([1 + len(self.least), *self.least, self.layers, *self.joined])
        return head + divided + (varint(self.step) + bytes([self.coarse]) if self.step else b"")

    @classmethod
    def read(cls, payload: bytes) -> "Layering":
        """Return what a section says. Raises DamagedStream or UnsupportedStream."""
        reader = Reader(payload)
        kind, planes, dead_zone = reader.integer(1), reader.integer(1), reader.varint()
        radix, extended = kind & ~EXTENDED, bool(kind & EXTENDED)
        if radix not in (HALVING, TRITS) or not 1 <= planes <= MOST_PLANES:
            raise UnsupportedStream(f"layers of {planes} planes by {radix} are not known to this release")
        if dead_zone > (WIDEST_DEAD_ZONE if radix == HALVING else 0):
            raise DamagedStream(f"layers have an impossible dead zone, {dead_zone}")
        sweeps = reader.integer(1)
        if not 1 <= sweeps <= MOST_SWEEPS:
            raise DamagedStream(f"layers have {sweeps} sweeps in a plane")
        least = tuple(reader.take(sweeps - 1))
        joined = tuple(reader.take(reader.integer(1)))
        step, coarse = (reader.varint(), reader.integer(1)) if extended else (0, 0)
        found = cls(radix, planes, dead_zone, least, joined, step, coarse)
        falls = all(before > after for before, after in pairwise(least))
        if extended and not (1 <= step <= LARGEST_STEP and coarse < MOST_PLANES):
            raise DamagedStream(f"layers have an impossible step, {step}, or coarse planes, {coarse}")
        if not falls or 0 in (*least, *joined) or sum(joined) != len(found.sweeps) or not reader.done:
            raise DamagedStream("the list of layers is impossible")
        return found
