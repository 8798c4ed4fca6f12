"""A network of features for the golden model, trained by nobody: energies of random projections of what it sees."""

from functools import cache
from pathlib import Path

import numpy as np

from conftest import GOLDEN
from trellic.machine.network import CENTRE, FEATURES, FORMAT, GRAPH, STRIDE, SUFFIX, FeatureNetworks
from trellic.model import Model
from trellic.model.graph import Graph, Operation
from trellic.model.previews import SUFFIX as PREVIEWS
from trellic.model.previews import write_previews
from trellic.picture.types import Picture
from trellic.quantize import quantizer_named
from trellic.tune.fit_previews import fit_previews

MODEL = Model.read(GOLDEN / "golden.trm")
FINE = 8
"""Side of the random projections, in samples."""


def random_networks(model: Model = MODEL, seed: int = 0) -> FeatureNetworks:
    """Return a network of random projections of squares of samples, blind to brightness, whose sizes are averaged."""
    fine = np.random.default_rng(seed).normal(0, 1, (FEATURES, 3, FINE, FINE)).astype(np.float32)
    arrays = {
        "fine": fine - fine.mean(axis=(1, 2, 3), keepdims=True),
        "mean": np.full((FEATURES, 1, STRIDE // FINE, STRIDE // FINE), (FINE / STRIDE) ** 2, np.float32),
        CENTRE: np.zeros(FEATURES, np.float32),
    }

    def convolution(reads: str, weights: str, side: int, group: int, writes: str) -> Operation:
        attributes = {"kernel_shape": [side, side], "strides": [side, side], "group": group}
        return Operation("Conv", (reads, weights), (writes,), attributes)

    operations = (
        convolution("samples", "fine", FINE, 1, "a"),
        Operation("Abs", ("a",), ("b",), {}),
        convolution("b", "mean", STRIDE // FINE, FEATURES, "map"),
    )
    graph = Graph(("samples",), ("map",), operations, {"fine": "fine", "mean": "mean"}, {})
    card = {"format": FORMAT, "model": model.sha256.hex()}
    return FeatureNetworks.parse(FeatureNetworks(card, {GRAPH: graph}, arrays).pack(), model)


@cache
def golden_previews() -> bytes:
    """Return a file of previews for the golden model, fitted on textures."""
    pictures = [Picture(textures(192, kind, 99)) for kind in range(4)]
    return write_previews(fit_previews(MODEL, pictures, quantizer_named("uniform")))


def install(folder: Path, networks: FeatureNetworks) -> None:
    """Write networks, and the golden model with previews, into a folder of models."""
    folder.mkdir(exist_ok=True)
    (folder / "golden.trm").write_bytes((GOLDEN / "golden.trm").read_bytes())
    (folder / f"{MODEL.name}{PREVIEWS}").write_bytes(golden_previews())
    (folder / f"{MODEL.name}{SUFFIX}").write_bytes(networks.pack())


def textures(side: int, kind: int, seed: int) -> np.ndarray:
    """Return one of four textures, uint8 (side, side, 3): stripes of two directions, squares, noise."""
    random = np.random.default_rng((kind, seed))
    y, x = np.mgrid[0:side, 0:side] + random.integers(0, 32, 2)[:, None, None]
    waves = np.sin(x / 3), np.sin(y / 3), np.sign(np.sin(x / 5) * np.sin(y / 5)), random.normal(0, 1, (side, side))
    values = 128 + 60 * waves[kind] + random.normal(0, 6, (side, side))
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
