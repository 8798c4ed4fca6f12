"""Features of streams: latents → a map of what lies where, and one vector of the whole picture."""

from typing import NamedTuple

import numpy as np

from trellic.codec import Codec
from trellic.codec.coding import scalar
from trellic.codec.tiles import LATENT
from trellic.container import Stream
from trellic.container.bytes import Data
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import DamagedModel
from trellic.machine.latents import BaseLatents, read_base
from trellic.machine.network import FEATURES, STRIDE, distance_of, graph_at, networks_of
from trellic.model.model import Floats
from trellic.model.session import Runtime

BAND, MARGIN = 128, 16
"""Rows of latents that are looked at together, and those around that they see: what large pictures take is bounded."""


class Features(NamedTuple):
    """What is seen of a picture.

    map     float32 (256, h, w): a position for 32 pixels of the picture each way, or 64 of a large one
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
        self.runtime = Runtime(self.networks, codec.threads)

    def read(self, data: Data | Stream) -> Features:
        """Return the features of a stream of the model, which may be cut off after what they are made of.

        Raises NotAStream, UnsupportedStream, DamagedStream, IncompleteStream, PictureTooLarge or BadRequest.
        """
        stream = data if isinstance(data, Stream) else Stream.parse(data, self.codec.limit, partial=True)
        self.codec.check_model(stream)
        grid = stream.header.grid
        latents = read_base(stream, self.codec.resources_of(stream)(grid.at_once))
        return self.of_latents(latents, stream.header.quality, grid.width, grid.height)

    def of_latents(self, latents: BaseLatents, quality: int, width: int, height: int) -> Features:
        """Return the features of a picture of so many pixels by its latents at a quality of 0 to 25600.

        Raises DamagedModel.
        """
        distance = distance_of(width, height)
        step = STRIDE * distance
        bands = [self._band(latents, quality, distance, start) for start in range(0, latents.y.shape[1], BAND)]
        found = np.concatenate(bands, axis=1)[:, : -(-height // step), : -(-width // step)]
        with np.errstate(over="ignore", invalid="ignore"):
            vector = self.networks.vector(found)
        if not np.isfinite(vector).all():
            raise DamagedModel(f"model {self.networks.name}: its features are too large")
        return Features(found, vector)

    def _band(self, latents: BaseLatents, quality: int, distance: int, start: int) -> Floats:
        """Return the rows of the map that begin with a row of latents."""
        rows = latents.y.shape[1]
        ratio, cell = rows // latents.z.shape[1], STRIDE // LATENT * distance
        first, end, last = max(0, start - MARGIN), min(start + BAND, rows), min(start + BAND + MARGIN, rows)
        given = [latents.y[:, first:last], latents.z[:, first // ratio : last // ratio]]
        (found,) = self.runtime.run(graph_at(distance), [*given, scalar(quality / HIGHEST_QUALITY)])
        wanted = FEATURES, (last - first) // cell, latents.y.shape[2] // cell
        if found.shape != wanted or not np.isfinite(found).all():
            raise DamagedModel(f"model {self.networks.name}: its features are {found.shape}, not {wanted}")
        return found[:, (start - first) // cell : (end - first) // cell]
