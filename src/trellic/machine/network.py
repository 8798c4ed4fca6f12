"""The network of features: a companion of a model, in a file of its own that is named by the model's hash.

`HASH.features` changes no stream and no model. `trellic train-features` trains it. It is a zip archive:

`card.json`      the model's hash, how it was made, and what it costs
`graphs.json`    a network for each distance; `weights.arrays` what they share
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from trellic.errors import DamagedModel, MissingModel
from trellic.model.archive import pack_entries, unpack_entries
from trellic.model.arrays import Arrays, pack_arrays, unpack_arrays
from trellic.model.graph import Graph
from trellic.model.model import Floats, Model
from trellic.model.store import find_companion

SUFFIX = ".features"
FORMAT = 1
FEATURES = 256
DISTANCES = (1, 2)
"""From how far pictures are looked at: what their sides are divided by."""
LARGEST_NEAR = 512
"""The shorter side, in pixels, of the largest pictures that are looked at from near."""
BASE_GROUPS = 2
"""Groups of latents that are seen, with z."""
STRIDE = 32
"""Pixels for a position of the map, each way, from near."""
CENTRE, SCALE = "centre", "scale"
"""Arrays beside the weights, float32 (512,): what is subtracted from pooled features, and what divides the rest."""
LARGEST_FILE = 1 << 25


@dataclass(frozen=True)
class FeatureNetworks:
    """The networks of features of one model, and their file's SHA-256."""

    card: dict[str, Any]
    graphs: dict[str, Graph]
    arrays: Arrays
    sha256: bytes = b""

    @property
    def name(self) -> str:
        """The model's, as messages have it."""
        return str(self.card["model"])[:16]

    def network(self, name: str) -> tuple[Graph, Arrays]:
        """Return a network and its weights."""
        return self.graphs[name], self.arrays

    def vector(self, features: Floats) -> Floats:
        """Return means and maxima over the positions of a map, (256, h, w), as one vector, float32 (512,)."""
        pooled = np.concatenate([features.mean(axis=(1, 2)), features.max(axis=(1, 2))])
        return ((pooled - self.arrays[CENTRE]) / self.arrays[SCALE]).astype(np.float32)

    def pack(self) -> bytes:
        """Return the bytes of the file."""
        graphs = {name: graph.to_json() for name, graph in sorted(self.graphs.items())}
        return pack_entries({
            "card.json": json.dumps(self.card, indent=1).encode(),
            "graphs.json": json.dumps(graphs, separators=(",", ":")).encode(),
            "weights.arrays": pack_arrays(self.arrays),
        })  # fmt: skip

    @classmethod
    def parse(cls, data: bytes, model: Model) -> "FeatureNetworks":
        """Return the networks that bytes hold, checked against their model. Raises ValueError."""
        entries = unpack_entries(data, LARGEST_FILE, SUFFIX)
        try:
            card, arrays = json.loads(entries["card.json"]), unpack_arrays(entries["weights.arrays"])
            graphs = {name: Graph.from_json(one) for name, one in json.loads(entries["graphs.json"]).items()}
            if card["format"] != FORMAT or card["model"] != model.sha256.hex():
                raise ValueError(f"of format {card['format']!r:.16} and model {card['model']!r:.18}")
            if "z" not in model.schedule.variables or len(model.schedule.groups) < BASE_GROUPS:
                raise ValueError("the model has no such latents")
            if not {graph_at(distance) for distance in DISTANCES} <= set(graphs):
                raise ValueError("a network is missing")
            if any(
                arrays[name].shape != (2 * FEATURES,) or arrays[name].dtype != np.float32 for name in (CENTRE, SCALE)
            ):
                raise ValueError("centre and scale are of other shapes")
            if not all(np.isfinite(each).all() for each in arrays.values()) or not (arrays[SCALE] > 0).all():
                raise ValueError("impossible numbers")
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"an entry is missing or wrong ({error})") from error
        return cls(card, graphs, arrays, hashlib.sha256(data).digest())


def graph_at(distance: int) -> str:
    """Return the name of the network for a distance."""
    return f"features_{distance}"


def distance_of(width: int, height: int) -> int:
    """Return from how far a picture of these sides is looked at."""
    return DISTANCES[min(width, height) > LARGEST_NEAR]


def networks_of(model: Model) -> FeatureNetworks:
    """Return a model's networks of features. Raises MissingModel where none are installed, or DamagedModel."""
    path = find_companion(model.name, SUFFIX)
    if path is None:
        raise MissingModel(f"model {model.name} has no network of features (trellic train-features makes one)")
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE + 1)
    try:
        return FeatureNetworks.parse(data, model)
    except ValueError as error:
        raise DamagedModel(f"{path}: no features of model {model.name} ({error})") from error
