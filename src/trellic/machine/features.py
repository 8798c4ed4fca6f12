"""Features of streams: the preview of their first groups → a map of what lies where, and a vector of the whole picture.

A preview is a linear map of latents, and has what a network that was trained on photographs looks for. So no picture is
decoded: the network sees a small one, whatever the size of the whole.
"""

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from trellic.codec import Codec
from trellic.codec.picture_decoder import PartsMissing
from trellic.codec.view import averaged
from trellic.container import Stream
from trellic.container.bytes import Data
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import DamagedModel
from trellic.machine.latents import BaseLatents, read_base
from trellic.machine.network import FEATURES, GRAPH, SEEN_AT, STRIDE, networks_of
from trellic.model.model import Floats
from trellic.model.previews import Preview
from trellic.model.session import Runtime
from trellic.picture.types import Pixels

SIDE, LONGEST = 224, 896
"""Sides of what is seen, in samples: the shorter one, as the network was trained, and at most the longer one."""
BAND, AT_ONCE = 64, 1024
"""Rows and columns of latents that are mapped to a preview together."""


class Features(NamedTuple):
    """What is seen of a picture.

    map     float32 (512, h, w): what lies where; the shorter side has 7 positions
    vector  float32 (512,): of all of it; alike pictures have vectors of a small angle
    """

    map: Floats
    vector: Floats


class FeatureReader:
    """Reads features of streams of one model.

    Raises MissingModel where the model has no network of features, or DamagedModel.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec, self.networks = codec, networks_of(codec.model)
        self.preview = self.networks.preview
        self.runtime = Runtime(self.networks, codec.threads)

    def read(self, data: Data | Stream) -> Features:
        """Return the features of a stream of the model, which may be cut off after what they are made of.

        Warns where layers are missing: those that are there say less, and somewhat else.
        Raises NotAStream, UnsupportedStream, DamagedStream, IncompleteStream, PictureTooLarge or BadRequest.
        """
        stream = data if isinstance(data, Stream) else Stream.parse(data, self.codec.options.limit, partial=True)
        self.codec.check_model(stream)
        if not stream.has_all_layers:
            warnings.warn("layers are missing: features are those of a coarser picture", PartsMissing, stacklevel=2)
        grid = stream.header.grid
        latents = read_base(stream, self.codec.resources_of(stream)(grid.at_once))
        return self.of_latents(latents, stream.header.quality, grid.width, grid.height)

    def of_latents(self, latents: BaseLatents, quality: int, width: int, height: int) -> Features:
        """Return the features of a picture of so many pixels by its latents at a quality of 0 to 25600.

        Raises DamagedModel.
        """
        seen = seen_of(self.preview, latents, quality, width, height)
        (found,) = self.runtime.run(GRAPH, [seen.transpose(2, 0, 1).astype(np.float32)])
        wanted = FEATURES, seen.shape[0] // STRIDE, seen.shape[1] // STRIDE
        if found.shape != wanted or not np.isfinite(found).all():
            raise DamagedModel(f"model {self.networks.name}: its features are {found.shape}, not {wanted}")
        with np.errstate(over="ignore", invalid="ignore"):
            vector = self.networks.vector(found)
        if not np.isfinite(vector).all():
            raise DamagedModel(f"model {self.networks.name}: its features are too large")
        return Features(found, vector)


def seen_of(preview: Preview, latents: BaseLatents, quality: int, width: int, height: int) -> Pixels:
    """Return what is seen of a picture of so many pixels, uint8 (h, w, 3), sides multiples of 32.

    latents at a quality of 0 to 25600
    """
    shorter = min(width, height) // SEEN_AT
    smaller = 1  # a power of two, so that bands end where squares do
    while smaller < BAND and shorter >= 2 * smaller * SIDE:
        smaller *= 2
    rows = latents.y.shape[1]
    bands = [_band(preview, latents.y[:, start : start + BAND], quality) for start in range(0, rows, BAND)]
    shown = np.concatenate([averaged(band, smaller) for band in bands])
    shown = shown[: -(-height // (SEEN_AT * smaller)), : -(-width // (SEEN_AT * smaller))]
    seen = [min(LONGEST, _nearest(side * SIDE, min(width, height) * STRIDE) * STRIDE) for side in (width, height)]
    return np.asarray(Image.fromarray(shown).resize((seen[0], seen[1]), Image.Resampling.BICUBIC))


def _nearest(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _band(preview: Preview, y: Floats, quality: int) -> npt.NDArray[np.uint8]:
    """Return what is seen of some rows of latents, uint8 (h, w, 3), some columns at a time."""
    starts = range(0, y.shape[2], AT_ONCE)
    parts = [preview.show(y[:, :, start : start + AT_ONCE], quality / HIGHEST_QUALITY) for start in starts]
    return np.ascontiguousarray(np.concatenate(parts, axis=2).transpose(1, 2, 0))
