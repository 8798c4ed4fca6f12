"""Pixels → variables, before anything is quantized: the analysis at a quality, and back projection.

An analysis is no exact inverse of its synthesis: synthesized and analysed again, latents come back changed, for what
they show lacks some of the picture. Back projection adds that change to them. The finer latents are quantized, the
more of what it adds is coded, and the more it is worth; where they are coarse it costs as many bits as it saves. So of
the change it adds a part that is 1 at quality 100 and falls in proportion, and low qualities do without.
Source: Irani and Peleg, Improving resolution by image registration (1991), for latents instead of a larger picture.
"""

from dataclasses import dataclass, replace

import numpy as np

from trellic.codec.coding import Arrays, Skipped, empty_variables, no_passes, run, scalar, skipped_positions
from trellic.codec.decoder import synthesize
from trellic.codec.ring import Ring
from trellic.codec.tiles import LATENT, Window
from trellic.codec.visibility import PSNR, SSIMULACRA2, visibility
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import DamagedModel
from trellic.model import Sessions
from trellic.model.model import Floats
from trellic.picture.types import Pixels

LEAST_PROJECTED, RISE = 0.3, 8
"""The fraction of the highest quality from which on back projection pays, and how steeply it begins there: at once, but
so that PSNR and bytes stay continuous, which targets are met by."""


@dataclass(frozen=True)
class Analysed:
    """A picture, or a tile, before quantization, at one quality of 0 to 25600.

    targets     variables by name
    weights     what a squared error in each channel of y is worth, (C, 1, 1)
    around      y of the tile with its surroundings
    visibility  what a squared error at each position of y is worth, (H, W)
    covered     the part of each position's pixels that lies in the picture, 0 to 1, (H, W)
    ring        what a block's prediction sees of its neighbours; None where it is no block
    skipped     blocks of 64×64 pixels of which nothing is coded, uint8 (H/64, W/64); None for no such blocks
    """

    targets: dict[str, Floats]
    weights: Floats
    around: Floats
    visibility: Floats
    covered: Floats
    quality: int
    width: int
    height: int
    ring: Ring | None = None
    skipped: Skipped | None = None

    @property
    def counted(self) -> Floats:
        """How much an error at each position of y counts, (H, W): as it is seen; not at all where nothing is shown."""
        counted = self.visibility * self.covered
        if self.skipped is not None:
            counted[skipped_positions(self.skipped, len(counted))] = 0
        return counted

    @property
    def error_weights(self) -> Floats:
        """What a squared error of each latent is weighed by, (C, H, W)."""
        return self.weights * self.counted


def analyse(sessions: Sessions, pixels: Pixels, quality: int) -> Analysed:
    """Return the variables of a picture, uint8 (H, W, 3), at a quality in 1/256 of a point. Raises DamagedModel.

    The picture is continued at the right and below to multiples of the model's stride.
    """
    model = sessions.model
    stride = model.schedule.stride
    height, width = pixels.shape[:2]
    padded = np.pad(pixels, ((0, -height % stride), (0, -width % stride), (0, 0)), mode="edge")
    picture = np.ascontiguousarray(padded.transpose(2, 0, 1)).astype(np.float32) / np.float32(255)
    values = Arrays(picture=picture, quality=scalar(quality / HIGHEST_QUALITY))
    run(model.schedule.encode, sessions.run, values, no_passes)
    targets = {}
    for name, empty in empty_variables(model, *picture.shape[1:]).items():
        found = values.by_name.get(name)
        if found is None or found.shape != empty.shape or not np.isfinite(found).all():
            raise DamagedModel(f"model {model.name}: its analysis gives no {name}, or numbers that are not finite")
        targets[name] = found
    latents, weights = targets["y"], model.weights(quality / HIGHEST_QUALITY)[:, None, None]
    alike, covered = np.ones(latents.shape[1:], np.float32), _covered(width, height, latents)
    return Analysed(targets, weights, latents, alike, covered, quality, width, height)


def _covered(width: int, height: int, latents: Floats) -> Floats:
    """Return the part of each position's pixels that lies in a picture of a width and height, (H, W)."""
    columns, rows = (
        np.clip(side / LATENT - np.arange(positions), 0, 1)
        for side, positions in zip((width, height), reversed(latents.shape[1:]), strict=True)
    )
    return np.outer(rows, columns).astype(np.float32)


def analysed_again(sessions: Sessions, variables: dict[str, Floats], quality: int) -> Floats:
    """Return the latents of variables as they come back, synthesized and analysed at a quality. Raises DamagedModel."""
    planes = synthesize(sessions, variables, quality)
    return analyse(sessions, np.ascontiguousarray(planes.transpose(1, 2, 0)), quality).targets["y"]


def back_projected(sessions: Sessions, analysed: Analysed) -> Analysed:
    """Return a picture with latents that show what those of its analysis lack, at qualities at which that pays.

    Raises DamagedModel.
    """
    quality, latents = analysed.quality / HIGHEST_QUALITY, analysed.targets["y"]
    part = min(quality, RISE * (quality - LEAST_PROJECTED))
    if part <= 0:
        return analysed
    with np.errstate(over="ignore", invalid="ignore"):
        moved = latents + np.float32(part) * (latents - analysed_again(sessions, analysed.targets, analysed.quality))
    if not np.isfinite(moved).all():
        raise DamagedModel(f"model {sessions.model.name}: its latents come back too large")
    return replace(analysed, targets={**analysed.targets, "y": moved}, around=moved)


def analyse_tile(
    sessions: Sessions, window: Window, quality: int, tune: str = PSNR, back_projects: bool = False
) -> Analysed:
    """Return the variables of a tile, whose analysis sees its surroundings, at a quality in 1/256 of a point.

    tune           the measure that errors are weighed for
    back_projects  whether its latents are back projected, at qualities at which that pays
    The window's margins are multiples of the model's stride.
    """
    whole = analyse(sessions, window.pixels, quality)
    if back_projects:
        whole = back_projected(sessions, whole)
    strides = {name: one.stride for name, one in sessions.model.schedule.variables.items()}
    boxes = {name: window.tile.within(window.around, stride) for name, stride in strides.items()}
    own = {name: np.ascontiguousarray(planes[:, *boxes[name]]) for name, planes in whole.targets.items()}
    seen = whole.visibility[boxes["y"]]
    if tune == SSIMULACRA2:
        seen = visibility(window.pixels[window.tile.within(window.around)], strides["y"])
    height, width = window.own.shape[:2]
    covered = _covered(width, height, own["y"])
    return Analysed(own, whole.weights, whole.around, seen, covered, quality, window.tile.width, window.tile.height)
