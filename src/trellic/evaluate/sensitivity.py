"""What an error in a latent costs the picture, channel by channel: the weights of the quantizers' searches.

Each channel in turn gets an error of ±1/4 step at every position, signs at random, on top of plain rounding; what
that adds to the picture's squared error is its sensitivity. Twice for each picture, with opposite signs, so that the
correlation with the error that was there already cancels.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Analysed, code
from trellic.container.grid import STRIDE
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import NoPictures
from trellic.model.networks import Floats, Networks
from trellic.picture.types import Picture, Pixels

SIDE = 256
DETAILS = 6
"""How many pictures sensitivity is measured on: a corner of each."""
QUALITIES = (0.15, 0.5, 0.85)
ERROR = np.float32(0.25)


def corners_of(pictures: Sequence[Picture]) -> list[Pixels]:
    """Return the corners of some of the pictures, of at most SIDE pixels a side.

    Sides are multiples of 64: other pictures are continued to that, and errors there would count. Raises NoPictures.
    """
    corners = []
    for picture in pictures:
        height, width = (min(SIDE, size // STRIDE * STRIDE) for size in picture.pixels.shape[:2])
        if height and width:
            corners.append(picture.pixels[:height, :width])
    if not corners:
        raise NoPictures(f"no picture that can be read has both sides of {STRIDE} pixels or more")
    return corners[:: max(1, len(corners) // DETAILS)]


def channel_costs(
    networks: Networks, latents: Floats, pixels: Pixels, quality: float, seed: int
) -> npt.NDArray[np.float64]:
    """Return what a unit of squared error in each channel's latents adds to the picture's, (C,)."""
    original = pixels.transpose(2, 0, 1).astype(np.float32)

    def error(changed: Floats) -> float:
        return float(np.square(networks.synthesis(changed, quality) - original).sum(dtype=np.float64))

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

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.array(list(pool.map(cost_of, range(len(latents)))))


def measure_sensitivity(
    networks: Networks,
    deployed: DeployedQuantizer,
    details: Sequence[tuple[Pixels, Analysed]],
    progress: Callable[[], None] = lambda: None,
) -> Floats:
    """Return natural log weights and their slope over quality, float32 (2, C), the mean weight at any quality being 1.

    details  square pieces of pictures, sides multiples of 64, and their analysis
    """
    logs = []
    for quality in QUALITIES:
        total = np.zeros(networks.latents)
        for seed, (pixels, analysed) in enumerate(details):
            decoded = code(networks, analysed, round(quality * HIGHEST_QUALITY), deployed).latents
            total += channel_costs(networks, decoded, pixels, quality, seed)
            progress()
        relative = total / total.mean()
        logs.append(np.log(np.clip(relative, 0.2, 5.0)))
    slope, base = np.polyfit(QUALITIES, np.array(logs), 1)
    return np.stack([base, slope]).astype(np.float32)
