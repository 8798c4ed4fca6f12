"""Where layers are to end: so many of them, or sizes; and how sweeps are joined so that they end near there."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from numbers import Real

from trellic.codec.deployed import DeployedQuantizer
from trellic.container.header import QUALITY_ONE
from trellic.container.layers import HALVING, MOST_PLANES, TRITS, Layering
from trellic.errors import BadRequest

FEWEST, MOST = 2, 16
FEW = 3
"""Up to so many layers, each is a plane of trits: they are better at their planes' ends, and worse in between."""
DEAD_ZONE = 102
LEAST = (22, 15)
"""Slopes of a plane's sweeps, for halving. Chosen on validation pictures, as the dead zone is."""
LEAST_PLANES = 4
LAYER_BYTES = 20
"""What a layer of one tile takes beside its bits, about: coder states and its entry in the index."""
FINER = {HALVING: 6, TRITS: 12}
"""The finest step is finer than the one that the networks were trained for, by one of so many parts of the octaves that
planes span; the coarsest is coarser by the others. Chosen on validation pictures: fewer parts cost bits on top."""
COARSE = 2
"""Planes that lack so many digits are coded by networks of their own, where there are any. The plane before the last
would be coded no better by them, and the last a little worse."""
QUALITY_OCTAVE = 25.8
"""Of quality, in which latents double, about."""

LayersAsked = int | str | Sequence[float]
"""A number of layers, sizes in bytes, or a text such as 6, 20000,60000 or 0.1,0.3bpp."""


@dataclass(frozen=True)
class LayerTargets:
    """What was asked for.

    count      of layers, where sizes were not
    sizes      of the file up to the end of each layer, rising, in bytes or bits per pixel
    per_pixel  whether they are bits per pixel
    """

    count: int = 0
    sizes: tuple[float, ...] = ()
    per_pixel: bool = False

    @classmethod
    def of(cls, asked: LayersAsked) -> "LayerTargets":
        """Return what was asked for. Raises BadRequest."""
        if not isinstance(asked, str | Real | Iterable):
            raise BadRequest(f"a {type(asked).__name__} is no number of layers, and no sizes")
        text = asked if isinstance(asked, str) else ",".join(map(str, [asked] if isinstance(asked, Real) else asked))
        per_pixel = text.endswith("bpp")
        parts = text.removesuffix("bpp").split(",")
        try:
            numbers = tuple(float(part) for part in parts)
        except ValueError as error:
            raise BadRequest(f"layers {text!r} are no number, and no sizes") from error
        if len(numbers) == 1 and not per_pixel:
            if numbers[0] not in range(FEWEST, MOST + 1):
                raise BadRequest(f"{text} layers; there can be {FEWEST} to {MOST}")
            return cls(int(numbers[0]))
        rising = all(before < after for before, after in zip((0.0, *numbers), numbers, strict=False))
        if not rising or not all(map(math.isfinite, numbers)) or len(numbers) >= MOST:
            raise BadRequest(f"layers {text!r} are not up to {MOST - 1} rising sizes")
        return cls(0, numbers, per_pixel)

    @property
    def layering(self) -> Layering:
        """Planes and sweeps for it, each sweep a layer."""
        count = self.count or len(self.sizes) + 1
        if self.count and count <= FEW:
            return Layering(TRITS, count, 0, (), (1,) * count)
        sweeps = 1 + len(LEAST)
        planes = min(MOST_PLANES, max(LEAST_PLANES, 1 + math.ceil((count - 1) / sweeps)))
        return Layering(HALVING, planes, DEAD_ZONE, LEAST, (1,) * (1 + (planes - 1) * sweeps))

    def quality_of_networks(self, quality: int) -> int:
        """Return the quality at which networks run for layers that all together have a quality; in 1/256 of a point.

        It is lower, so that the steps of coarse planes are nearer to what the networks know.
        """
        return max(quality - round(QUALITY_OCTAVE * QUALITY_ONE * self._octaves_finer), 0)

    def layering_at(self, quality: int, deployed: DeployedQuantizer, has_coarse: bool = False) -> Layering:
        """Return planes and sweeps, with the finest step, for such a quality of all layers.

        has_coarse  whether coarse planes have networks of their own
        """
        lower = self.quality_of_networks(quality)
        octaves = (quality - lower) / (QUALITY_OCTAVE * QUALITY_ONE)
        step = max(1, round(deployed.step_at(lower) * 2**-octaves))
        return replace(self.layering, step=step, coarse=COARSE * has_coarse)

    @property
    def _octaves_finer(self) -> float:
        return (self.layering.planes - 1) * math.log2(self.layering.radix) / FINER[self.layering.radix]

    def join(self, bits: Sequence[float], front: int, tiles: int, pixels: int) -> tuple[int, ...]:
        """Return how many consecutive sweeps each layer holds, given what each takes, front bytes, tiles and pixels."""
        sizes = [front + each / 8 for each in accumulate(bits)]
        if self.count:
            first, last = math.log(sizes[0] + 1), math.log(sizes[-1] + 1)
            wanted = [math.exp(first + (last - first) * n / (self.count - 1)) for n in range(self.count - 1)]
        else:
            wanted = [size * pixels / 8 if self.per_pixel else size for size in self.sizes]
            wanted = [size - LAYER_BYTES * tiles * (n + 1) for n, size in enumerate(wanted)]
        ends: list[int] = []
        for place, size in enumerate(wanted):
            behind = (self.count or len(wanted)) - 1 - place
            allowed = range(ends[-1] + 1 if ends else 0, len(sizes) - behind)
            ends.append(min(allowed, key=lambda end: abs(math.log((sizes[end] + 1) / max(size + 1, 1)))))
        if ends[-1] < len(sizes) - 1:
            ends.append(len(sizes) - 1)
        return tuple(end - before for before, end in zip((-1, *ends), ends, strict=False))
