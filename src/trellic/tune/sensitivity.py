"""Sensitivity: what an error in a latent costs the picture, channel by channel; weights of the quantizers' searches.

Each channel in turn gets an error of ±1/4 step at every position, signs at random, on top of plain rounding; what
that adds to the picture's squared error is its sensitivity. Twice for each picture, with opposite signs, so that the
correlation with the error that was there already cancels.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from trellic.codec.analysis import analyse
from trellic.codec.decoder import synthesize
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import encode_latents
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import NoPictures
from trellic.model import Model, Sessions
from trellic.model.model import Floats
from trellic.picture.types import Picture, Pixels
from trellic.processors import processors
from trellic.quantize import quantizer_named

LATENTS = "y"
SIDE = 128
DETAILS = 4
"""How many pictures sensitivity is measured on: a corner of each."""
QUALITIES = (0.2, 0.8)
ERROR = np.float32(0.25)
SMALLEST, LARGEST = 0.2, 5.0
"""Bounds of a weight, of which the mean is 1."""


def corners_of(pictures: Sequence[Picture], stride: int) -> list[Pixels]:
    """Return the corners of some of the pictures, of at most SIDE pixels a side.

    Sides are multiples of the model's stride: other pictures are continued to that, and errors there would count.
    Raises NoPictures.
    """
    corners = []
    for picture in pictures:
        height, width = (min(SIDE, size // stride * stride) for size in picture.pixels.shape[:2])
        if height and width:
            corners.append(picture.pixels[:height, :width])
    if not corners:
        raise NoPictures(f"no picture that can be read has both sides of {stride} pixels or more")
    return corners[:: max(1, len(corners) // DETAILS)][:DETAILS]


def channel_costs(
    sessions: Sessions, decoded: dict[str, Floats], pixels: Pixels, quality: int, seed: int
) -> npt.NDArray[np.float64]:
    """Return the squared error of the picture per unit of squared error in each channel's latents, (C,)."""
    original = pixels.transpose(2, 0, 1).astype(np.float32)
    latents = decoded[LATENTS]

    def error(changed: Floats) -> float:
        planes = synthesize(sessions, {**decoded, LATENTS: changed}, quality)
        return float(np.square(planes - original).sum(dtype=np.float64))

    before = error(latents)

    def cost_of(channel: int) -> float:
        random = np.random.default_rng((seed, channel))
        signs = random.choice(np.array([-ERROR, ERROR]), latents[channel].shape)
        added = 0.0
        for sign in (signs, -signs):
            changed = latents.copy()
            changed[channel] += sign
            added += error(changed) - before
        return added / float(2 * signs.size * ERROR**2)

    with ThreadPoolExecutor(processors()) as pool:
        return np.array(list(pool.map(cost_of, range(len(latents)))))


def measure_sensitivity(
    model: Model, pictures: Sequence[Picture], report: Callable[[str], None] = lambda message: None
) -> Model:
    """Return the model with weights of its latent channels: natural logs, affine in quality, of mean weight 1."""
    sessions = Sessions(model, threads=1)  # several channels at a time
    deployed = DeployedQuantizer.of(model, quantizer_named("uniform"))
    corners = corners_of(pictures, model.schedule.stride)
    logs = []
    for fraction in QUALITIES:
        report(f"sensitivity of {model.latents} channels at quality {100 * fraction:.0f}")
        quality, total = round(fraction * HIGHEST_QUALITY), np.zeros(model.latents)
        for seed, pixels in enumerate(corners):
            coded = encode_latents(sessions, analyse(sessions, pixels, quality), deployed)
            total += channel_costs(sessions, coded.decoded, pixels, quality, seed)
        logs.append(np.log(np.clip(total / total.mean(), SMALLEST, LARGEST)))
    slope, base = np.polyfit(QUALITIES, np.array(logs), 1)
    return model.with_sensitivity(np.stack([base, slope]).astype(np.float32))
