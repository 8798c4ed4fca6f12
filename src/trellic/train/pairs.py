"""Residual pictures to train on: what the video codec had to code of frames of clips, around mid-grey.

Clips are coded as they are in use, so that errors of references that were predicted themselves are in the residuals.
Each is a PNG file that says at which quality it was coded; training draws it at that quality.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, PngImagePlugin

from trellic.container.header import QUALITY_ONE
from trellic.container.video import read_group
from trellic.errors import BadRequest, naming
from trellic.files import write_atomically
from trellic.picture.types import Pixels
from trellic.train.data import QUALITY
from trellic.video.codec import VideoCodec
from trellic.video.encoder import ADAPTIVE, Structure, encode_groups
from trellic.video.frame_decoder import decode_picture, predict, show_frame
from trellic.video.frames import probe, read_frames
from trellic.video.reference import Reference
from trellic.video.residual import residual_of
from trellic.video.structure import Kept

FRAMES = 64
"""Of a clip that are read at most."""
FEWEST, CODED = 3, 25
"""Frames of a clip, and those of it that are coded each time."""
QUALITIES = (8.0, 88.0)
EFFORT = 5
"""Of coding: references are nearly those of more effort, in half the time."""
STRUCTURES = (ADAPTIVE, ADAPTIVE, 1)


def make_pairs(
    clips: Sequence[Path], folder: Path, times: int, codec: VideoCodec, seed: int, say: Callable[[str], None]
) -> int:
    """Write residual pictures of clips, each coded so many times, and return how many there are.

    Raises UnreadablePicture, BadRequest for clips of fewer than three frames, or FileExists.
    """
    made, digits = 0, len(str(len(clips) - 1))
    for position, path in enumerate(clips):
        random = np.random.default_rng((seed, position))
        with naming(path):
            frames = list(read_frames(probe(path), FRAMES))
            if len(frames) < FEWEST:
                raise BadRequest(f"{len(frames)} frames are too few")
        before = made
        for time in range(times):
            start = int(random.integers(max(1, len(frames) - CODED + 1)))
            quality, structure = float(random.uniform(*QUALITIES)), Structure(int(random.choice(STRUCTURES)))
            shown = frames[start : start + CODED]
            for number, residual, used in residuals(codec, shown, round(quality * QUALITY_ONE), structure):
                facts = PngImagePlugin.PngInfo()
                facts.add_text(QUALITY, f"{used:.1f}")
                target = folder / f"{position:0{digits}}-{path.stem}-{time}-{number:03}.png"

                def save(file: IO[bytes], residual: Pixels = residual, facts: PngImagePlugin.PngInfo = facts) -> None:
                    Image.fromarray(residual).save(file, "PNG", pnginfo=facts)

                write_atomically(target, save, replace=False)
                made += 1
        say(f"{path.name}: {made - before} residual pictures")
    return made


def residuals(
    codec: VideoCodec, frames: Sequence[Pixels], quality: int, structure: Structure
) -> Iterator[tuple[int, Pixels, float]]:
    """Yield number, residual picture and quality, 0 to 100, of the frames that a codec predicts of these.

    frames   uint8 (H, W, 3), all of one size
    quality  of the video, 0 to 25600
    """
    height, width, _ = frames[0].shape
    networks = codec.networks
    for group in encode_groups(networks, frames, quality, structure, codec.refinement):
        kept = Kept[Reference]()
        for coded in read_group(group.section.payload):
            references = [kept.find(number) for number in coded.references]
            indexed, picture = decode_picture(networks, coded, height, width)
            shown = show_frame(coded, indexed, picture, references)
            if coded.kept:
                kept.keep(coded.number, shown)
            if indexed and indexed.field:
                prediction, _ = predict(coded, indexed.field, references)
                yield coded.number, residual_of(frames[coded.number], prediction), coded.quality / QUALITY_ONE
