"""A network of features for the golden model, trained by nobody: energies of random projections."""

from pathlib import Path

import numpy as np

from conftest import GOLDEN
from trellic.machine.latents import base_channels
from trellic.machine.network import CENTRE, DISTANCES, FEATURES, FORMAT, SCALE, SUFFIX, FeatureNetworks, graph_at
from trellic.model import Model
from trellic.model.graph import Graph, Operation

MODEL = Model.read(GOLDEN / "golden.trm")


def random_networks(model: Model = MODEL, seed: int = 0) -> FeatureNetworks:
    """Return networks of a convolution over y, and one over z, of which the absolute values are added."""
    random, graphs, arrays = np.random.default_rng(seed), {}, {}
    z_channels = model.schedule.variables["z"].channels
    for distance in DISTANCES:
        side, cells = 2 * distance, 2 // distance
        wide = random.normal(0, 1, (FEATURES, base_channels(model), side, side))
        deep = random.normal(0, 1, (FEATURES * cells * cells, z_channels, 1, 1))
        arrays |= {f"y_{distance}": wide.astype(np.float32), f"z_{distance}": deep.astype(np.float32)}
        operations = (
            Operation("Conv", ("y", f"y_{distance}"), ("a",), {"kernel_shape": [side, side], "strides": [side, side]}),
            Operation("Conv", ("z", f"z_{distance}"), ("b",), {"kernel_shape": [1, 1]}),
            Operation("DepthToSpace", ("b",), ("c",), {"blocksize": cells, "mode": "CRD"}),
            Operation("Abs", ("a",), ("d",), {}),
            Operation("Abs", ("c",), ("e",), {}),
            Operation("Add", ("d", "e"), ("map",), {}),
        )
        weights = {name: name for name in (f"y_{distance}", f"z_{distance}")}
        graphs[graph_at(distance)] = Graph(("y", "z", "quality"), ("map",), operations, weights, {})
    arrays |= {CENTRE: np.zeros(2 * FEATURES, np.float32), SCALE: np.ones(2 * FEATURES, np.float32)}
    card = {"format": FORMAT, "model": model.sha256.hex()}
    return FeatureNetworks.parse(FeatureNetworks(card, graphs, arrays).pack(), model)


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
