"""The network of features: a companion of a model, in a file of its own that is named by the model's hash.

`HASH.features` changes no stream and no model. `trellic fit-features` makes it. It is a zip archive:

`card.json`      the model's hash, how it was made, and what it costs
`graphs.json`    the network; `weights.arrays` its weights
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from trellic.errors import DamagedModel, MissingModel
from trellic.model.archive import pack_entries, read_json, unpack_entries
from trellic.model.arrays import Arrays, pack_arrays, unpack_arrays
from trellic.model.graph import Graph
from trellic.model.model import Floats, Model
from trellic.model.previews import Preview
from trellic.model.store import find_companion

SUFFIX = ".features"
FORMAT = 4
FEATURES = 512
BASE_GROUPS = 2
"""Groups of latents that are seen, with z."""
SEEN_AT = 2
"""What is seen of a picture is a preview at 1/2, of the file's own map."""
STRIDE = 32
"""Samples of what is seen for a position of the map, each way."""
GRAPH = "features"
CENTRE = "centre"
"""An array beside the weights, float32 (512,): what is subtracted from pooled features."""
MAP_WEIGHTS, MAP_BIAS, MAP_LOGS = "map.weights", "map.bias", "map.log_rms"
"""Arrays of the map, as a preview's. Each square of a preview follows from one latent position."""
LARGEST_FILE = 1 << 25


@dataclass(frozen=True)
class FeatureNetworks:
    """The network of features of one model, and its file's SHA-256."""

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

    @property
    def preview(self) -> Preview:
        """The map from latents of the first groups to what is seen."""
        weights, bias, logs = (self.arrays[name] for name in (MAP_WEIGHTS, MAP_BIAS, MAP_LOGS))
        return Preview(weights, bias, logs)

    def vector(self, features: Floats) -> Floats:
        """Return the means over the positions of a map, (512, h, w), less those of other pictures, float32 (512,)."""
        return (features.mean(axis=(1, 2)) - self.arrays[CENTRE]).astype(np.float32)

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
            card, arrays = read_json(entries["card.json"]), unpack_arrays(entries["weights.arrays"])
            graphs = {name: Graph.from_json(one) for name, one in read_json(entries["graphs.json"]).items()}
            if card["format"] != FORMAT or card["model"] != model.sha256.hex():
                raise ValueError(f"of format {card['format']!r:.16} and model {card['model']!r:.18}")
            if "z" not in model.schedule.variables or len(model.schedule.groups) < BASE_GROUPS:
                raise ValueError("the model has no such latents")
            if GRAPH not in graphs:
                raise ValueError("the network is missing")
            if arrays[CENTRE].shape != (FEATURES,) or arrays[CENTRE].dtype != np.float32:
                raise ValueError("the centre is of another shape")
            networks = cls(card, graphs, arrays, hashlib.sha256(data).digest())
            networks.preview.check(
                model.schedule.groups[BASE_GROUPS - 1].stop, model.schedule.variables["y"].stride // SEEN_AT
            )
            if networks.preview.reach:
                raise ValueError("the map sees more than a position")
            if not all(np.isfinite(each).all() for each in arrays.values()):
                raise ValueError("impossible numbers")
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"an entry is missing or wrong ({error})") from error
        return networks


def arrays_of(preview: Preview) -> Arrays:
    """Return a map as arrays beside the weights."""
    return {MAP_WEIGHTS: preview.weights, MAP_BIAS: preview.bias, MAP_LOGS: preview.log_rms}


def networks_of(model: Model) -> FeatureNetworks:
    """Return a model's networks of features. Raises MissingModel where none are installed, or DamagedModel."""
    path = find_companion(model.name, SUFFIX)
    if path is None:
        raise MissingModel(f"model {model.name} has no network of features (trellic fit-features makes one)")
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE + 1)
    try:
        return FeatureNetworks.parse(data, model)
    except ValueError as error:
        raise DamagedModel(f"{path}: no features of model {model.name} ({error})") from error
