"""A head: a linear classifier of pictures by their features, as a .trh file.

A head is of one network of features, and so of one model: what others see means nothing to it. The file is a zip
archive: `card.json` (classes, model, how well it does, the command), and `head.arrays`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.errors import BadRequest, DamagedHead
from trellic.machine.network import FEATURES, FeatureNetworks
from trellic.model.archive import pack_entries, read_json, unpack_entries
from trellic.model.arrays import pack_arrays, unpack_arrays
from trellic.model.model import Floats

SUFFIX = ".trh"
FORMAT = 1
LARGEST_FILE = 1 << 25
MOST_CLASSES, LONGEST_NAME = 10_000, 255  # of a name, as long as that of a folder


@dataclass(frozen=True)
class Head:
    """A linear classifier of features.

    card    what it is: classes, the model's and the features' SHA-256, counts, accuracy
    matrix  float32 (512, classes); bias float32 (classes,)
    """

    card: dict[str, Any]
    matrix: Floats
    bias: Floats

    @property
    def classes(self) -> list[str]:
        """Names, in order."""
        names: list[str] = self.card["classes"]
        return names

    def probabilities(self, vector: Floats) -> npt.NDArray[np.float64]:
        """Return the probability of each class for the vector of a picture."""
        scores = vector.astype(np.float64) @ self.matrix + self.bias
        powers = np.exp(scores - scores.max())
        found: npt.NDArray[np.float64] = powers / powers.sum()
        return found

    def check_networks(self, networks: FeatureNetworks) -> None:
        """Raise BadRequest where the head was trained on the features of another model, or on others of this one."""
        if self.card["model"] != networks.card["model"]:
            raise BadRequest(f"the head is of model {self.card['model'][:16]}, the stream of {networks.name}")
        if self.card["features"] != networks.sha256.hex():
            own, other = self.card["features"][:16], networks.sha256.hex()[:16]
            raise BadRequest(f"the head is of features {own}, model {networks.name} has {other}")

    def pack(self) -> bytes:
        """Return the bytes of the .trh file."""
        arrays = pack_arrays({"matrix": self.matrix, "bias": self.bias})
        return pack_entries({"card.json": json.dumps(self.card, indent=1).encode(), "head.arrays": arrays})

    @classmethod
    def read(cls, path: Path) -> "Head":
        """Read a .trh file. Raises DamagedHead, or OSError where it cannot be read."""
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        try:
            return cls.parse(data)
        except ValueError as error:
            raise DamagedHead(f"{path}: {error}") from error

    @classmethod
    def parse(cls, data: bytes) -> "Head":
        """Return the head that bytes hold. Raises ValueError."""
        entries = unpack_entries(data, LARGEST_FILE, SUFFIX)
        try:
            card, arrays = read_json(entries["card.json"]), unpack_arrays(entries["head.arrays"])
            head = cls(card, arrays["matrix"], arrays["bias"])
            if card["format"] != FORMAT:
                raise ValueError(f"a format of .trh file, {card['format']!r:.16}, that this release does not know")
            names, hashes = card["classes"], (card["model"], card["features"])
            sound = (
                isinstance(names, list)
                and 2 <= len(names) <= MOST_CLASSES
                and all(isinstance(name, str) and 0 < len(name) <= LONGEST_NAME for name in names)
                and all(isinstance(one, str) and len(one) == 64 and one.isalnum() for one in hashes)
                and head.matrix.shape == (FEATURES, len(names))
                and head.bias.shape == (len(names),)
                and all(one.dtype == np.float32 and np.isfinite(one).all() for one in (head.matrix, head.bias))
            )
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"an entry is missing or wrong ({error})") from error
        if not sound:
            raise ValueError("classes, hashes or arrays are impossible")
        return head
