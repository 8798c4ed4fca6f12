"""What is shown of a stream: all of it, the first groups of its latents, or a preview.

A preview decodes the first groups alone and maps them to a small picture. Where a model has no previews, later groups
become their predicted means, and the synthesis's pixels are averaged.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from trellic.codec.decoder import synthesize
from trellic.codec.extent import EVERY_GROUP, Extent
from trellic.codec.tiles import LATENT
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import BadRequest
from trellic.model import Model, Sessions
from trellic.model.model import Floats
from trellic.model.previews import SCALES, Preview
from trellic.picture.types import Pixels


class View(NamedTuple):
    """How a stream is shown.

    extent   how much of each unit is decoded
    scale    pixels of the picture, each way, for one that is shown: 1, 2, 4 or 8
    preview  what maps latents to small pixels; without it, pixels of the synthesis are averaged
    """

    extent: Extent = EVERY_GROUP
    scale: int = 1
    preview: Preview | None = None

    def margin(self, model: Model) -> int:
        """Return how far around a box what shows it looks, in pixels."""
        return self.preview.reach * LATENT if self.preview else model.margin

    def render(self, sessions: Sessions, latents: Floats, quality: int) -> Pixels:
        """Return pixels, uint8 (3, H / scale, W / scale), of decoded latents at a quality of 0 to 25600."""
        if self.preview:
            return self.preview.show(latents, quality / HIGHEST_QUALITY)
        planes = synthesize(sessions, {"y": latents}, quality)
        return planes if self.scale == 1 else np.stack([averaged(plane, self.scale) for plane in planes])


FULL = View()


def view_of_groups(model: Model, groups: int | None) -> View:
    """Return the view at full size of the first groups, None for all. Raises BadRequest."""
    count = len(model.schedule.groups)
    if groups is not None and not 0 <= groups <= count:
        raise BadRequest(f"{groups} groups are not between 0 and {count}, which model {model.name} has")
    return FULL if groups == count else View(Extent(groups))


def view_of_preview(model: Model, previews: Mapping[int, Preview], scale: int) -> View:
    """Return the view at a scale of 2, 4 or 8, by one of a model's previews where it has one. Raises BadRequest."""
    if scale not in SCALES:
        raise BadRequest(f"no preview at 1/{scale}; there are 1/8, 1/4 and 1/2")
    preview = previews.get(scale)
    groups = min(SCALES[scale], len(model.schedule.groups))
    return View(Extent(groups, predicted=0 if preview else None), scale, preview)


def averaged(pixels: Pixels, scale: int) -> Pixels:
    """Return the rounded means of squares of pixels, uint8 (H, W) or (H, W, C), continued to whole squares."""
    if scale == 1:
        return pixels
    height, width = pixels.shape[:2]
    sides = [(0, -height % scale), (0, -width % scale), *[(0, 0)] * (pixels.ndim - 2)]
    padded = np.pad(pixels, sides, mode="edge")
    squares = padded.reshape(-(-height // scale), scale, -(-width // scale), scale, *pixels.shape[2:])
    sums = squares.sum(axis=(1, 3), dtype=np.uint32)
    return ((sums + scale * scale // 2) // (scale * scale)).astype(np.uint8)
