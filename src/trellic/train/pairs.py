"""Residual pictures to train on: frames of clips minus their predictions from coded frames, around mid-grey.

Each is a PNG file that says at which quality its references were coded; training draws it at that quality.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from trellic.codec import Codec
from trellic.codec.encoder import analyse, encode_latents, reconstruct
from trellic.container.header import QUALITY_ONE
from trellic.errors import BadRequest, naming
from trellic.files import write_atomically
from trellic.picture.types import Pixels
from trellic.train.data import QUALITY
from trellic.video.compensate import compensate
from trellic.video.estimate import estimate, sad_weight
from trellic.video.frames import probe, read_frames
from trellic.video.motion import Motion
from trellic.video.reference import Reference
from trellic.video.residual import residual_of

FRAMES = 64
"""Of a clip that are read at most."""
FEWEST = 3
DISTANCES = (1, 1, 1, 2, 4)
"""Frames between a frame and its references; half of those beyond 1 have one on either side."""

Code = Callable[[Pixels, float], Pixels]
"""Codes a frame, uint8 (H, W, 3), at a quality of 0 to 100, and returns it as decoded."""


def make_pairs(
    clips: Sequence[Path], folder: Path, count: int, code: Code, seed: int, say: Callable[[str], None]
) -> int:
    """Write residual pictures of clips, so many of each, and return how many there are.

    code  how references are coded
    Raises UnreadablePicture, or BadRequest for clips of fewer than three frames.
    """
    random, made = np.random.default_rng(seed), 0
    for path in clips:
        with naming(path):
            frames = list(read_frames(probe(path), FRAMES))
            if len(frames) < FEWEST:
                raise BadRequest(f"{len(frames)} frames are too few")
        for number in range(count):
            quality = float(random.uniform(0, 100))
            distance = int(random.choice(DISTANCES))
            distance = min(distance, (len(frames) - 1) // 2)
            at = int(random.integers(distance, len(frames) - distance))
            sides = (-distance, distance) if distance > 1 and random.random() < 0.5 else (-distance,)
            residual = _residual(frames, at, [at + side for side in sides], quality, code)
            facts = PngImagePlugin.PngInfo()
            facts.add_text(QUALITY, f"{quality:.1f}")
            target = folder / f"{path.stem}-{number:03}.png"
            write_atomically(target, lambda file: Image.fromarray(residual).save(file, "PNG", pnginfo=facts))  # noqa: B023
            made += 1
        say(f"{path.name}: {count} of {len(frames)} frames")
    return made


def coding_by(codec: Codec) -> Code:
    """Return what codes frames as pictures by a codec."""

    def code(pixels: Pixels, quality: float) -> Pixels:
        analysed = analyse(codec.sessions, pixels, round(quality * QUALITY_ONE))
        return reconstruct(codec.sessions, encode_latents(codec.sessions, analysed, codec.deployed), analysed)

    return code


def _residual(frames: Sequence[Pixels], at: int, others: Sequence[int], quality: float, code: Code) -> Pixels:
    """Return the residual of a frame, predicted from one or two others that are coded at a quality."""
    still = Motion.still(*frames[at].shape[:2])
    references = [Reference(other, code(frames[other], quality), still) for other in others]
    _, motion = estimate(at, frames[at], references, sad_weight(quality))
    return residual_of(frames[at], compensate([one.pixels for one in references], motion))
