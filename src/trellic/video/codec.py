"""The codec for videos: frames to a .tlv file that meets a target."""

import statistics
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np

from trellic.codec.attached import section_of
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.rate_control import Encoded, Target, meet
from trellic.codec.refinement import refinement_of
from trellic.codec.visibility import PSNR
from trellic.container.grid import Grid
from trellic.container.header import HASH_BYTES, QUALITY_ONE
from trellic.container.sections import Section, SectionType
from trellic.container.video import MOST_FRAMES, VideoHeader, write_video
from trellic.errors import BadRequest
from trellic.limits import MOST_PIXELS
from trellic.model import DEFAULT, Model, find_model
from trellic.picture.types import Pixels
from trellic.quantize import DEFAULT_EFFORT, quantizer_for
from trellic.video.encoder import Structure, encode_groups
from trellic.video.networks import SHIPPED, adapter_named, networks_of

MOST_DENOMINATOR = 1 << 20
"""Of a rate."""


class VideoCodec:
    """Encode videos with one model, and an adapter of it for residual pictures.

    model    a name, hash prefix or path
    threads  0 for as many as there are processors
    effort   1 (quick) to 9 (small files); 8 and 9 search, several times as long
    adapter  a name, hash prefix or path; "none"; "" for the shipped one
    embed    whether files hold the adapter that they need
    limit    most pixels of a frame to accept
    restore  whether decoded frames are corrected where that is worth its bits, at efforts that do so
    Raises MissingModel, DamagedModel, MissingAdapter, DamagedAdapter or BadRequest.
    """

    def __init__(
        self,
        model: str = DEFAULT,
        threads: int = 0,
        effort: int = DEFAULT_EFFORT,
        adapter: str = SHIPPED,
        embed: bool = False,
        limit: int = MOST_PIXELS,
        restore: bool = True,
    ) -> None:
        self.model, self.limit = Model.read(find_model(model)), limit
        self.quantizer, self.refinement = quantizer_for(effort), refinement_of(effort, restore, parts=True)
        found = adapter_named(adapter, self.model)
        self.networks = networks_of(self.model, DeployedQuantizer.of(self.model, self.quantizer), found, threads)
        self._named = section_of(found, embed)

    def encode(
        self,
        frames: Callable[[], Iterable[Pixels]],
        rate: Fraction,
        target: Target,
        structure: Structure,
        matrix: int,
        sound: bytes = b"",
    ) -> Encoded:
        """Return the file of a video that meets a target.

        frames   gives them, uint8 (H, W, 3), from the first one each time that it is called
        rate     frames a second
        target   its PSNR is the mean of all frames'
        matrix   of the file that frames come from, by its number in ITU-T H.273
        sound    a Matroska file, or nothing
        Raises BadRequest, PictureTooLarge or TargetMissed.
        """
        if target.lossless or target.layers or target.prefixes or target.tune != PSNR:
            raise BadRequest("a video has a quality, rate, size or PSNR: all else of a target is for pictures")
        asked, rate = rate, rate.limit_denominator(MOST_DENOMINATOR)
        if rate <= 0:
            raise BadRequest(f"{asked} frames a second")
        sounds = [Section(SectionType.SOUND, sound)] if sound else []
        named = [self._named] if self._named else []

        def checked() -> Iterable[Pixels]:
            for number, pixels in enumerate(frames()):
                if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
                    raise BadRequest(f"an array {pixels.dtype} {pixels.shape} is no frame; uint8 (H, W, 3) is")
                if number == 0:
                    Grid.whole(pixels.shape[1], pixels.shape[0]).check(self.limit)
                if number == MOST_FRAMES:
                    raise BadRequest(f"more than {MOST_FRAMES} frames")
                facts[:] = [pixels.shape[1], pixels.shape[0], number + 1]
                yield pixels.copy() if pixels.flags.writeable else pixels  # it may be filled again

        def encode_at(quality: int) -> Encoded:
            sections, decibels = [*named, *sounds], list[float]()
            for group in encode_groups(self.networks, checked(), quality, structure, self.refinement):
                sections.append(group.section)
                decibels += group.decibels
            if not decibels:
                raise BadRequest("a video of no frames")
            name = self.model.sha256[:HASH_BYTES]
            header = VideoHeader(name, facts[0], facts[1], rate, facts[2], self.quantizer.number, matrix)
            data = write_video(header, sections)
            return Encoded(data, quality / QUALITY_ONE, 8.0 * len(data), statistics.fmean(decibels))

        facts = [0, 0, 0]
        pixels = sum(one.shape[0] * one.shape[1] for one in checked()) if target.bpp is not None else 0
        return meet(target, pixels, encode_at)
