"""A .tlv file's frames: one, or all in order. Entropy decoding and synthesis of several frames run at a time."""

import hashlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from trellic.codec.attached import adapter_of
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.tiles import Workers
from trellic.container.bytes import Data
from trellic.container.video import CodedFrame, Group, Kind, VideoStream, read_group
from trellic.entropy.states import Indices
from trellic.errors import DamagedStream
from trellic.limits import MOST_PIXELS
from trellic.model import Model, find_model_by_hash
from trellic.picture.types import Pixels
from trellic.quantize import quantizer_numbered
from trellic.video.field import Field
from trellic.video.frame_decoder import Indexed, decode_indices, decode_picture, motion_of, show_frame
from trellic.video.motion import Motion
from trellic.video.networks import Networks, resources_of
from trellic.video.reference import Reference
from trellic.video.structure import MOST_WAITING, Kept

UNSEEN = np.empty((0, 0, 3), np.uint8)
"""Stands for the pixels of frames that are verified, and not shown."""


class Reader:
    """The frames of a video.

    data     a file's bytes, or what gives them when asked
    threads  that frames are decoded by; 0 for as many as there are processors
    limit    most pixels of a frame to accept, as they are coded
    Raises NotAStream, UnsupportedStream, DamagedStream, IncompleteStream, PictureTooLarge, MissingModel or
    MissingAdapter; so do its methods where frames are damaged.
    """

    def __init__(self, data: Data, threads: int = 0, limit: int = MOST_PIXELS) -> None:
        self.stream = VideoStream.parse(data, limit)
        self.threads = threads
        self.header = self.stream.header

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return self.header.rate

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame."""
        return self.header.width, self.header.height

    def __len__(self) -> int:
        """Return how many frames there are."""
        return self.header.frames

    def __iter__(self) -> Iterator[Pixels]:
        """Yield all frames in order, uint8 (H, W, 3)."""
        return self.frames(0, len(self))

    def __getitem__(self, number: int) -> Pixels:
        """Return a frame, uint8 (H, W, 3), by its number; negative ones count from the end."""
        at = number + len(self) if number < 0 else number
        if not 0 <= at < len(self):
            raise IndexError(f"frame {number} of {len(self)}")
        return next(self.frames(at, at + 1))

    def frames(self, start: int, stop: int) -> Iterator[Pixels]:
        """Yield the frames from `start` up to `stop` in order, uint8 (H, W, 3), which cannot be written to.

        No frame is decoded that none of them needs.
        """
        for group in self.stream.groups:
            shown = range(max(start, group.frames.start), min(stop, group.frames.stop))
            if shown:
                yield from self._show(group, shown)

    @property
    def sound(self) -> bytes:
        """The sound, a Matroska file; b"" where there is none."""
        return self.stream.read(self.stream.sound) if self.stream.sound else b""

    def verify(self) -> str:
        """Return the SHA-256 of all indices, once everything but pixels was decoded.

        Of each frame in coding order, its field, then its latents; 32-bit little-endian. Raises as reading does.
        """
        digest = hashlib.sha256()
        networks, workers = self._resources

        height, width = self.header.height, self.header.width

        def indices_of(coded: CodedFrame) -> tuple[bytes, Field | None]:
            found = bytearray()

            def see(indices: Indices) -> None:
                found.extend(indices.astype("<i4").tobytes())

            coded.check()
            if coded.kind == Kind.REPEAT:
                return b"", None
            field = decode_indices(networks, coded, height, width, see).field
            return bytes(found), field

        for group in self.stream.groups:
            frames, kept = self._coded(group), Kept[Reference]()
            for coded, (seen, field) in zip(frames, workers.map(indices_of, frames), strict=True):
                digest.update(seen)
                references = [kept.find(number) for number in coded.references]
                motion = motion_of(coded, field, references) if field else Motion.still(height, width)
                if coded.kept:
                    kept.keep(coded.number, Reference(coded.number, UNSEEN, motion))
        if self.stream.sound:
            self.stream.read(self.stream.sound)
        return digest.hexdigest()

    def _coded(self, group: Group) -> list[CodedFrame]:
        """Return the frames of a group in coding order, each once, none far from its place. Raises DamagedStream."""
        frames = list(read_group(self.stream.read(group.entry)))
        if sorted(frame.number for frame in frames) != list(group.frames):
            raise DamagedStream("a group does not have each of its frames once")
        waiting, following = set[int](), group.frames.start
        for frame in frames:
            waiting.add(frame.number)
            while following in waiting:
                waiting.remove(following)
                following += 1
            if len(waiting) > MOST_WAITING:
                raise DamagedStream("frames are coded too far from their order")
        return frames

    def _show(self, group: Group, shown: range) -> Iterator[Pixels]:
        """Yield some frames of a group in order."""
        height, width = self.header.height, self.header.width
        frames = self._coded(group)
        needed = _needed(frames, shown)
        networks, workers = self._resources

        def picture_of(coded: CodedFrame) -> tuple[CodedFrame, Indexed | None, Pixels | None]:
            return coded, *decode_picture(networks, coded, height, width)

        pictures = workers.map(picture_of, [coded for coded in frames if coded.number in needed])
        kept, waiting, following = Kept[Reference | None](), dict[int, Pixels](), shown.start
        for coded in frames:
            references = [kept.find(number) for number in coded.references]  # which uses them, needed or not
            frame = None
            if coded.number in needed:
                frame = show_frame(*next(pictures), [one for one in references if one])
            if coded.kept:
                kept.keep(coded.number, frame)
            if frame and coded.number in shown:
                waiting[coded.number] = frame.pixels
            while following in waiting:
                yield waiting.pop(following)
                following += 1
            if following == shown.stop:
                return

    @cached_property
    def _resources(self) -> tuple[Networks, Workers]:
        """The networks, one thread each where there are several workers. Raises MissingModel or MissingAdapter."""
        model = Model.read(find_model_by_hash(self.header.model))
        deployed = DeployedQuantizer.of(model, quantizer_numbered(self.header.quantizer))
        adapter = adapter_of(self.stream, model.sha256)
        return resources_of(model, deployed, adapter, self.threads)


def _needed(frames: Sequence[CodedFrame], shown: range) -> set[int]:
    """Return the numbers of the frames that are shown, and of those that they are predicted from."""
    wanted = set(shown)
    for frame in reversed(frames):
        if frame.number in wanted:
            wanted.update(frame.references)
    return wanted
