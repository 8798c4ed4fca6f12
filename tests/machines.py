"""A network of features for the golden model, trained by nobody: energies of random projections of what it sees."""

from functools import cache
from pathlib import Path

import numpy as np

from conftest import GOLDEN
from trellic.machine.latents import BASE
from trellic.machine.network import (
    BASE_GROUPS,
    CENTRE,
    FEATURES,
    FORMAT,
    GRAPH,
    SEEN_AT,
    STRIDE,
    SUFFIX,
    FeatureNetworks,
    arrays_of,
)
from trellic.model import Model
from trellic.model.graph import Graph, Operation
from trellic.model.previews import Preview
from trellic.picture.types import Picture
from trellic.quantize import quantizer_named
from trellic.tune.fit_previews import fit_preview

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
        **arrays_of(seen_by(model)),
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
def golden_preview() -> Preview:
    """Return a map from latents of the golden model to what is seen, fitted on textures."""
    pictures = [Picture(textures(192, kind, 99)) for kind in range(4)]
    return fit_preview(MODEL, pictures, quantizer_named("uniform"), SEEN_AT, BASE, lambda line: None)


def seen_by(model: Model) -> Preview:
    """Return a map for a model: that of the golden one, or a random one."""
    if model is MODEL:
        return golden_preview()
    last = model.schedule.groups[BASE_GROUPS - 1]
    count = 3 * (model.schedule.variables[last.variable].stride // SEEN_AT) ** 2
    logs = np.zeros((2, last.stop), np.float32)
    random = np.random.default_rng(0).normal(0, 1, (3, count, last.stop, 1, 1)).astype(np.float16)
    return Preview(random, np.full((3, count), 60, np.float32), logs)


def install(folder: Path, networks: FeatureNetworks) -> None:
    """Write networks, and the golden model, into a folder of models."""
    folder.mkdir(exist_ok=True)
    (folder / "golden.trm").write_bytes((GOLDEN / "golden.trm").read_bytes())
    (folder / f"{MODEL.name}{SUFFIX}").write_bytes(networks.pack())


def textures(side: int, kind: int, seed: int) -> np.ndarray:
    """Return one of four textures, uint8 (side, side, 3): stripes of two directions, squares, noise."""
    random = np.random.default_rng((kind, seed))
    y, x = np.mgrid[0:side, 0:side] + random.integers(0, 32, 2)[:, None, None]
    waves = np.sin(x / 3), np.sin(y / 3), np.sign(np.sin(x / 5) * np.sin(y / 5)), random.normal(0, 1, (side, side))
    values = 128 + 60 * waves[kind] + random.normal(0, 6, (side, side))
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
