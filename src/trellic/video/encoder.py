"""Frames → the sections of a .tlv file: groups, each of which begins at a scene or after so many frames."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.container.sections import Section
from trellic.container.video import MOST_IN_GROUP, CodedFrame, write_group
from trellic.errors import BadRequest
from trellic.metrics import psnr
from trellic.picture.types import Pixels
from trellic.video.energy import Lookahead, Source, mini_group_for
from trellic.video.frame_encoder import encode_intra, encode_predicted
from trellic.video.networks import Networks
from trellic.video.reference import Reference
from trellic.video.structure import SIZES, Kept, mini_group

ADAPTIVE = 0
"""A size of mini-groups: by how frames move."""
KEYINT = 64
"""Frames of a group, at most."""
INTRA_OFFSET, LEVEL_OFFSETS = 8, (3, -5, -10, -12)
"""Points of quality that an intra frame has more than its video, and frames of each level."""


@dataclass(frozen=True)
class Structure:
    """How frames depend on each other.

    size    frames of a mini-group: 1, 2, 4 or 8, or ADAPTIVE
    keyint  most frames of a group
    Raises BadRequest.
    """

    size: int = ADAPTIVE
    keyint: int = KEYINT

    @classmethod
    def of(cls, gop: str, keyint: int) -> "Structure":
        """Return the structure that an option names: adaptive, or a size. Raises BadRequest."""
        if gop != "adaptive" and not gop.isdecimal():
            raise BadRequest(f"--gop {gop!r} is neither adaptive nor a number")
        return cls(ADAPTIVE if gop == "adaptive" else int(gop), keyint)

    def __post_init__(self) -> None:
        if self.size not in {*SIZES, ADAPTIVE}:
            raise BadRequest(f"--gop {self.size} is not one of {', '.join(map(str, SIZES))}")
        if not 1 <= self.keyint <= MOST_IN_GROUP:
            raise BadRequest(f"--keyint {self.keyint} is not between 1 and {MOST_IN_GROUP}")


class CodedGroup(NamedTuple):
    """A group's section, and the PSNR of each of its frames in dB, in coding order."""

    section: Section
    decibels: list[float]


def encode_groups(
    networks: Networks, frames: Iterable[Pixels], quality: int, structure: Structure
) -> Iterator[CodedGroup]:
    """Yield the groups of a video in order.

    frames   uint8 (H, W, 3), all of one size
    quality  0 to 25600, in 1/256 of a point
    Raises BadRequest for frames of several sizes.
    """
    ahead, first = Lookahead(_alike(frames)), 0
    while ahead.peek(1):
        group = _Group(networks, quality, first)
        group.begin(ahead.take(1)[0])
        while group.count < structure.keyint:
            most = min(structure.size or max(SIZES), structure.keyint - group.count)
            following = ahead.peek(most)
            usable = _usable(group.last, following)
            if not usable:
                break
            if structure.size == ADAPTIVE:
                size = mini_group_for(group.last, following[:usable])
            else:
                size = max(one for one in SIZES if one <= usable)
            group.add(ahead.take(size))
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


class _Group:
    """A group while it is coded."""

    def __init__(self, networks: Networks, quality: int, first: int) -> None:
        self.networks, self.quality, self.first = networks, quality, first
        self.count = 0
        self.frames: list[CodedFrame] = []
        self.decibels: list[float] = []
        self.kept = Kept[Reference]()

    def begin(self, source: Source) -> None:
        """Code the intra frame."""
        coded, shown = encode_intra(self.networks, source.pixels, self.first, self._quality(INTRA_OFFSET))
        self._append(source, coded, shown)
        self.last, self.count = source, 1

    def add(self, sources: Sequence[Source]) -> None:
        """Code a mini-group."""
        before = self.first + self.count - 1
        for turn in mini_group(before, len(sources)):
            source = sources[turn.number - before - 1]
            references = [self.kept.find(number) for number in turn.references]
            quality = self._quality(LEVEL_OFFSETS[turn.level])
            self._append(source, *encode_predicted(self.networks, source.pixels, turn, references, quality))
        self.last, self.count = sources[-1], self.count + len(sources)

    def _append(self, source: Source, coded: CodedFrame, shown: Reference) -> None:
        self.frames.append(coded)
        self.decibels.append(psnr(source.pixels, shown.pixels))
        if coded.kept:
            self.kept.keep(coded.number, shown)

    def _quality(self, offset: int) -> int:
        return min(max(self.quality + offset * QUALITY_ONE, 0), HIGHEST_QUALITY)
