"""What a model's pictures take and show: rate and PSNR of real streams, before and after an adapter."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from trellic.codec.analysis import analyse
from trellic.codec.costs import error_weight
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Coded, encode_latents, reconstruct
from trellic.codec.fit_restoration import Fit
from trellic.codec.layer_decoder import decode_layers
from trellic.codec.layer_encoder import encode_sweeps
from trellic.codec.layer_targets import LEAST_PLANES, LayerTargets
from trellic.container import Grid
from trellic.container.header import HIGHEST_QUALITY
from trellic.metrics import psnr_of, squared_error
from trellic.model import Model, Sessions
from trellic.picture.pillow import read
from trellic.picture.types import Pixels
from trellic.train.validate import QUALITIES
from trellic.tune.pictures import middle_of

LARGEST_SIDE = 512
"""Of what is measured of a picture, in pixels: its middle."""
QUALITY_OF_LAYERS = 0.85


class Points(NamedTuple):
    """Bits per pixel and PSNR of all pixels at each quality or prefix, and bytes of a picture at the middle one."""

    curve: list[tuple[float, float]]
    picture_bytes: float


def points_of_pictures(model: Model, deployed: DeployedQuantizer, paths: Sequence[Path]) -> Points:
    """Code the middles of pictures by the deployed model, restored: what that gains anyway no adapter shall claim."""
    sessions, middles = Sessions(model, torch.get_num_threads()), _middles(paths)
    found = []
    for fraction in QUALITIES:
        quality, made = round(fraction * HIGHEST_QUALITY), []
        for middle in middles:
            analysed = analyse(sessions, middle, quality)
            coded = encode_latents(sessions, analysed, deployed)
            restoration, error = _restored(reconstruct(sessions, coded, analysed), middle, quality)
            made.append((len(coded.data) + len(restoration), error))
        found.append(made)
    return _points(middles, found)


def _restored(decoded: Pixels, original: Pixels, quality: int) -> tuple[bytes, float]:
    """Return a picture's weights of restoration, and the squared error that is left."""
    grid = Grid.whole(decoded.shape[1], decoded.shape[0])
    fit = Fit(grid, error_weight(quality), exact=())
    fit.add(grid.shown, *(np.ascontiguousarray(one.transpose(2, 0, 1)) for one in (decoded, original)))
    return fit.restoration()


def points_of_prefixes(base: Model, coarse: Model, deployed: DeployedQuantizer, paths: Sequence[Path]) -> Points:
    """Code the middles of pictures in layers, a plane each, and show each prefix but the whole by `coarse`."""
    plain, own = (Sessions(model, torch.get_num_threads()) for model in (base, coarse))
    middles, targets = _middles(paths), LayerTargets(count=LEAST_PLANES)
    asked = round(QUALITY_OF_LAYERS * HIGHEST_QUALITY)
    layering, quality = targets.layering_at(asked, deployed, has_coarse=True), targets.quality_of_networks(asked)
    joined = (1, *[1 + len(layering.least)] * (layering.planes - 1))
    by_plane = replace(layering, joined=joined)
    found: list[list[tuple[int, float]]] = [[] for _ in joined[1:]]
    for middle in middles:
        analysed = analyse(plain, middle, quality)
        payloads = encode_sweeps(plain, own, analysed, deployed, layering)[0].join(joined)
        height, width = (side + -side % base.schedule.stride for side in middle.shape[:2])
        for planes, made in enumerate(found, 1):
            front = payloads[:planes]
            decoded = decode_layers(plain, own, by_plane, front, height, width, quality, deployed, layering.step)
            shown = reconstruct(own, Coded(b"", 0.0, decoded), analysed)
            made.append((sum(map(len, front)), squared_error(shown, middle)))
    return _points(middles, found)


def _points(middles: Sequence[Pixels], found: Sequence[Sequence[tuple[int, float]]]) -> Points:
    """Return the points of pictures, given bytes and squared error of each at each quality or prefix."""
    pixels = sum(middle[..., 0].size for middle in middles)
    curve, sizes = [], []
    for made in found:
        total, error = sum(size for size, _ in made), sum(error for _, error in made)
        curve.append((8 * total / pixels, psnr_of(error / (3 * pixels))))
        sizes.append(total / len(middles))
    return Points(curve, sizes[len(sizes) // 2])


def _middles(paths: Sequence[Path]) -> list[Pixels]:
    return [np.ascontiguousarray(middle_of(read(path).pixels, LARGEST_SIDE)) for path in paths]
