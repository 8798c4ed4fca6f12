"""What the encoder's search quantizes, in training.

The search moves the targets of the quantizer to where the decoded picture is better for the bits. Networks that were
trained on the analysis's targets meet others then. Here the search of a model runs once for each crop, and its targets
are kept on disk; entropy networks and synthesis are trained on those, with the quantizer in the loop. It weighs rate
and errors as calibrated, where each round of a search has weights of its own: what networks see is near to what
streams hold, not the same.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from trellic.codec.analysis import analyse_tile
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import encode_latents
from trellic.codec.refinement import ROUNDS
from trellic.codec.search import by_weights_of_its_own, search
from trellic.codec.tiles import windows
from trellic.container import Grid
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import BadConfig
from trellic.model import Model, Sessions
from trellic.model.model import Floats
from trellic.networks.learned import Decoded, LearnedCodec
from trellic.picture.types import Picture, Pixels
from trellic.processors import processors
from trellic.quantize import DEFAULT_EFFORT
from trellic.train.crops import Crops
from trellic.train.latents import Batch, CachedLatents, CoderOf, Latents
from trellic.train.validate import Encode


class TargetSearch:
    """Finds what the encoder quantizes by the default effort: pictures (N, 3, H, W) and qualities → variables.

    The networks are those of a model's file, whatever is trained meanwhile. Raises BadConfig where it has no search.
    """

    def __init__(self, model: Model, deployed: DeployedQuantizer) -> None:
        if model.gradient is None:
            raise BadConfig(f"model {model.name} has no search: the gradient of its synthesis is not known")
        self.sessions, self.deployed = Sessions(model, threads=1), deployed
        self.name = f"search by {model.name}"

    def __call__(self, pictures: Tensor, quality: Tensor) -> dict[str, Tensor]:
        """Return targets by variable, float32 (N, C, h, w)."""
        pixels = (pictures * 255).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
        qualities = [round(float(each) * HIGHEST_QUALITY) for each in quality.flatten()]
        with ThreadPoolExecutor(processors()) as pool:
            found = list(pool.map(self._search, pixels, qualities))
        return {name: torch.from_numpy(np.stack([one[name] for one in found])).to(pictures.device) for name in found[0]}

    def _search(self, pixels: Pixels, quality: int) -> dict[str, Floats]:
        grid = Grid.whole(pixels.shape[1], pixels.shape[0])
        (window,) = windows(Picture(pixels), grid, self.sessions.model.margin)
        analysed = analyse_tile(self.sessions, window, quality, back_projects=True)
        coded = encode_latents(self.sessions, analysed, self.deployed)
        fit, rounds = by_weights_of_its_own(window, quality), ROUNDS[DEFAULT_EFFORT]
        targets, _ = search(self.sessions, window, analysed, coded, self.deployed, rounds, fit)
        return {**analysed.targets, "y": targets}


def remembering(search: Encode) -> Encode:
    """Return a search that is asked once for each batch: for validation pictures, which are always the same."""
    found: dict[bytes, dict[str, Tensor]] = {}

    def encode(pictures: Tensor, quality: Tensor) -> dict[str, Tensor]:
        asked = b"".join(each.cpu().numpy().tobytes() for each in (pictures, quality))
        key = hashlib.sha256(asked).digest()
        if key not in found:
            found[key] = search(pictures, quality)
        return found[key]

    return encode


class LiveTargets(Latents):
    """New crops with the targets that a search finds, in the place of decoded variables: to fill a cache with."""

    def __init__(self, search: Encode, crops: Crops) -> None:
        self.search, self.crops = search, crops

    def draw(self, count: int, device: torch.device) -> Batch:
        """Return a new batch."""
        pictures, quality = self.crops.draw(count, device)
        return Batch(pictures, quality, Decoded(self.search(pictures, quality), {}), {})


class SearchedLatents(Latents):
    """Crops and targets of a cache, quantized anew with the networks as they are."""

    def __init__(self, kept: CachedLatents, codec: LearnedCodec, coder_of: CoderOf) -> None:
        self.kept, self.codec, self.coder_of = kept, codec, coder_of

    def draw(self, count: int, device: torch.device) -> Batch:
        """Return a batch of the cache, with gradients for whatever is trained."""
        pictures, quality, (targets, _), *_ = self.kept.draw(count, device)
        return Batch(pictures, quality, self.codec.code(targets, quality, self.coder_of(quality)), targets)
