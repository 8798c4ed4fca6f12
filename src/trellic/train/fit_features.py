"""The network of features of a model: EfficientNet-Lite0, and what is kept of what it sees in previews of pictures.

Nothing is trained. The principal components of its features over many pictures are kept, of equal variance: what is
frequent in all pictures then counts no more than what distinguishes them.
Source: Jégou and Chum, Negative evidences and co-occurrences in image retrieval (2012), for whitening.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from trellic.codec import Codec
from trellic.container.header import QUALITY_ONE
from trellic.errors import NoPictures
from trellic.machine.features import seen_of
from trellic.machine.latents import BASE, base_of_pixels
from trellic.machine.network import FEATURES, SEEN_AT, FeatureNetworks
from trellic.model.previews import Preview
from trellic.networks.features import FeatureNetwork, Lite0, Projection, export_features, round_weights
from trellic.picture.types import Picture, Pixels
from trellic.tune.fit_previews import fit_preview
from trellic.tune.pictures import middle_of

SIDE = 768
"""Of the middle of a picture, in pixels, which is what is seen."""
QUALITIES = (5.0, 95.0)
SEED = 1
"""Of the qualities at which pictures are seen."""
FEWEST = 20
"""Pictures."""
LEAST_VARIANCE = 1e-4
"""Of a component beside the largest: smaller ones stay smaller."""
Ends = npt.NDArray[np.float32]
"""What a network sees at its end, (1280, n)."""


def fit_features(
    codec: Codec,
    seer: Lite0,
    few: Sequence[Picture],
    pictures: Iterable[Picture],
    report: Callable[[str], None],
) -> FeatureNetworks:
    """Return the network of features of a codec's model, each picture seen as coded at a quality drawn for it.

    few  pictures that the map to what is seen is fitted on
    Raises NoPictures.
    """
    round_weights(seer)
    preview = fit_preview(codec.model, few, codec.deployed.quantizer, SEEN_AT, BASE, report)
    random, ends = np.random.default_rng(SEED), list[Ends]()
    for picture in pictures:
        ends.append(_end(seer, _seen(codec, preview, picture.pixels, float(random.uniform(*QUALITIES)))))
        if len(ends) % 50 == 0:
            report(f"{len(ends)} pictures are seen")
    if len(ends) < FEWEST:
        raise NoPictures(f"{len(ends)} pictures can be read; features need {FEWEST}")
    network = FeatureNetwork(seer, projection_of(ends)).eval().requires_grad_(False)
    round_weights(network)
    means = torch.from_numpy(np.array([end.mean(axis=1) for end in ends]))[:, :, None, None]
    centre = network.project(means).mean(dim=(0, 2, 3)).numpy()
    facts = {"sees": "EfficientNet-Lite0, Apache-2.0", "pictures": len(ends), "seed": SEED}
    return export_features(network, codec.model, preview, centre, facts)


def projection_of(ends: Sequence[Ends]) -> Projection:
    """Return the principal components of all positions of all pictures, largest first, each of unit variance."""
    mean = sum(end.astype(np.float64).sum(axis=1) for end in ends) / sum(end.shape[1] for end in ends)
    products = sum((end - mean[:, None]) @ (end - mean[:, None]).T for end in ends)
    variances, directions = np.linalg.eigh(products / sum(end.shape[1] for end in ends))
    largest = np.argsort(-variances)[:FEATURES]
    sizes = np.sqrt(np.maximum(variances[largest], LEAST_VARIANCE * variances.max()))
    return Projection(mean.astype(np.float32), (directions[:, largest].T / sizes[:, None]).astype(np.float32))


def _seen(codec: Codec, preview: Preview, pixels: Pixels, quality: float) -> Pixels:
    middle, points = middle_of(pixels, SIDE), round(quality * QUALITY_ONE)
    latents = base_of_pixels(codec.sessions, middle, points, codec.deployed)
    return seen_of(preview, latents, points, middle.shape[1], middle.shape[0])


@torch.no_grad()
def _end(seer: Lite0, seen: Pixels) -> Ends:
    samples = torch.from_numpy(seen.astype(np.float32)).permute(2, 0, 1)[None]
    found: Ends = seer(samples)[0].flatten(1).numpy()
    return found
