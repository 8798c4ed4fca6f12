"""Adapters that nobody trained: small random changes of what training would change."""

from pathlib import Path

import numpy as np

from trellic.model import Model
from trellic.model.adapter import Adapter
from trellic.model.change import Change, count_of

GOLDEN = Model.read(Path(__file__).parent / "golden" / "golden.trm")


def random_changes(model: Model, exponent: int = -9, seed: int = 0) -> dict[str, list[Change]]:
    """Return low-rank changes of every 1×1 layer, and deltas of the transforms' biases, by half."""
    random = np.random.default_rng(seed)

    def change(name: str, shape: tuple[int, ...], rank: int) -> Change:
        integers = np.rint(random.normal(0, 1, count_of(shape, rank))).astype(np.int32)
        return Change(name, shape, rank, exponent, integers)

    return {
        half: [
            change(name, values.shape, 2 * name.endswith("weight"))
            for name, values in arrays.items()
            if (name.endswith(".weight") and values.shape[2:] == (1, 1))
            or (name.endswith(".bias") and not name.startswith("prior."))
        ]
        for half, arrays in model.file.arrays.items()
    }


def random_adapter(model: Model = GOLDEN, exponent: int = -9, seed: int = 0) -> Adapter:
    """Return an adapter of random changes."""
    return Adapter.of(model, random_changes(model, exponent, seed))
