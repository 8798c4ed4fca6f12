"""Frames → the sections of a .tlv file: groups, each of which begins at a scene or after so many frames."""

import copy
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trellic.codec.refinement import Refinement
from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.container.sections import Section
from trellic.container.video import MOST_IN_GROUP, CodedFrame, write_group
from trellic.errors import BadRequest
from trellic.metrics import psnr
from trellic.picture.types import Pixels
from trellic.video.energy import Lookahead, Source
from trellic.video.frame_encoder import encode_intra, encode_predicted
from trellic.video.networks import Networks
from trellic.video.pace import Pace
from trellic.video.reference import Reference
from trellic.video.structure import SIZES, Kept, mini_group

ADAPTIVE, TRIED = 0, -1
"""Sizes of mini-groups: the best of a few, tried again where frames move otherwise; the best of all, each time."""
DECIBELS_PER_OCTAVE = 3.0
"""Decibels that twice the bits of a video are worth, about, at any quality."""
NAMES = {"adaptive": ADAPTIVE, "trial": TRIED}
KEYINT = 64
"""Frames of a group, at most."""
INTRA_OFFSET, LEVEL_OFFSETS = 14, (3, -10, -16, -18)
"""Points of quality that an intra frame has more than its video, and frames of each level."""


@dataclass(frozen=True)
class Structure:
    """How frames depend on each other.

    size    frames of a mini-group: 1, 2, 4 or 8, or ADAPTIVE or TRIED
    keyint  most frames of a group
    Raises BadRequest.
    """

    size: int = ADAPTIVE
    keyint: int = KEYINT

    @classmethod
    def of(cls, gop: str, keyint: int) -> "Structure":
        """Return the structure that an option names: adaptive, trial, or a size. Raises BadRequest."""
        if gop not in {*NAMES, *map(str, SIZES)}:
            raise BadRequest(f"mini-groups {gop!r} are none of {', '.join([*NAMES, *map(str, SIZES)])}")
        return cls(NAMES[gop] if gop in NAMES else int(gop), keyint)

    def __post_init__(self) -> None:
        if self.size not in {*SIZES, *NAMES.values()}:
            raise BadRequest(f"mini-groups have {', '.join(map(str, SIZES))} frames, not {self.size}")
        if not 1 <= self.keyint <= MOST_IN_GROUP:
            raise BadRequest(f"groups have 1 to {MOST_IN_GROUP} frames, not {self.keyint}")


class CodedGroup(NamedTuple):
    """A group's section, and the PSNR of each of its frames in dB, in coding order."""

    section: Section
    decibels: list[float]


def encode_groups(
    networks: Networks, frames: Iterable[Pixels], quality: int, structure: Structure, refinement: Refinement
) -> Iterator[CodedGroup]:
    """Yield the groups of a video in order.

    frames      uint8 (H, W, 3), all of one size
    quality     0 to 25600, in 1/256 of a point
    refinement  what is done beside quantizing
    Raises BadRequest for frames of several sizes.
    """
    ahead, first = Lookahead(_alike(frames)), 0
    while ahead.peek(1):
        group, pace = _Group(networks, quality, first, refinement), Pace()
        group.begin(ahead.take(1)[0])
        while group.count < structure.keyint:
            largest = structure.size if structure.size in SIZES else max(SIZES)
            following = ahead.peek(min(largest, structure.keyint - group.count))
            usable = _usable(group.last, following)
            if not usable:
                break
            sources = ahead.take(max(one for one in SIZES if one <= usable))
            if structure.size == ADAPTIVE:
                group = pace.plus(group, sources, group.unsearched() if refinement.rounds else None)
            elif structure.size == TRIED:
                group = _cheapest(group, sources)
            else:
                group = group.plus(sources)
        yield CodedGroup(write_group(first, group.frames), group.decibels)
        first += group.count


def _usable(before: Source, sources: Sequence[Source]) -> int:
    """Return how many frames follow before a scene begins."""
    for count, source in enumerate(sources):
        if source.begins_scene(before):
            return count
        before = source
    return len(sources)


def _alike(frames: Iterable[Pixels]) -> Iterator[Pixels]:
    shape = None
    for frame in frames:
        if shape not in (None, frame.shape):
            raise BadRequest(f"a frame of {frame.shape[1]}×{frame.shape[0]} after others of {shape[1]}×{shape[0]}")
        shape = frame.shape
        yield frame


def _cheapest(group: "_Group", sources: Sequence[Source]) -> "_Group":
    """Return a group that goes on with frames, 1, 2, 4 or 8: as one mini-group, or each half as is cheapest."""
    whole = group.plus(sources)
    if len(sources) == 1:
        return whole
    half = len(sources) // 2
    halves = _cheapest(_cheapest(group, sources[:half]), sources[half:])
    return min(whole, halves, key=group.cost_of)


class _Group:
    """A group while it is coded."""

    def __init__(self, networks: Networks, quality: int, first: int, refinement: Refinement) -> None:
        self.networks, self.quality, self.first, self.refinement = networks, quality, first, refinement
        self.count = self.bytes = 0
        self.frames: list[CodedFrame] = []
        self.decibels: list[float] = []
        self.kept = Kept[Reference]()

    def begin(self, source: Source) -> None:
        """Code the intra frame."""
        quality = self._quality(INTRA_OFFSET)
        self._append(source, *encode_intra(self.networks, source.pixels, self.first, quality, self.refinement))
        self.last, self.count = source, 1

    def unsearched(self) -> "_Group":
        """Return the group as an encoder continues it that does not search."""
        other = copy.copy(self)
        other.refinement = self.refinement._replace(rounds=0)
        return other

    def cost_of(self, longer: "_Group") -> float:
        """Return what frames cost that another group has after these, in octaves of bits."""
        decibels = statistics.fmean(longer.decibels[len(self.decibels) :])
        return math.log2(1 + longer.bytes - self.bytes) - decibels / DECIBELS_PER_OCTAVE

    def in_steps(self, sources: Sequence[Source], size: int) -> "_Group":
        """Return the group and mini-groups of a size, or one smaller mini-group."""
        longer = self
        for first in range(0, len(sources), size):
            longer = longer.plus(sources[first : first + size])
        return longer

    def plus(self, sources: Sequence[Source]) -> "_Group":
        """Return the group and one more mini-group; this one stays as it is."""
        longer = copy.copy(self)
        longer.frames, longer.decibels, longer.kept = [*self.frames], [*self.decibels], self.kept.copy()
        longer._add(sources)
        return longer

    def _add(self, sources: Sequence[Source]) -> None:
        before = self.first + self.count - 1
        for turn in mini_group(before, len(sources)):
            source = sources[turn.number - before - 1]
            references = [self.kept.find(number) for number in turn.references]
            quality = self._quality(LEVEL_OFFSETS[turn.level])
            coded = encode_predicted(self.networks, source.pixels, turn, references, quality, self.refinement)
            self._append(source, *coded)
        self.last, self.count = sources[-1], self.count + len(sources)

    def _append(self, source: Source, coded: CodedFrame, shown: Reference) -> None:
        self.frames.append(coded)
        self.decibels.append(psnr(source.pixels, shown.pixels))
        self.bytes += coded.size
        if coded.kept:
            self.kept.keep(coded.number, shown)

    def _quality(self, offset: int) -> int:
        return min(max(self.quality + offset * QUALITY_ONE, 0), HIGHEST_QUALITY)
