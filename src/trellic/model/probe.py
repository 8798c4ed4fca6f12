"""The exactness probe: fixed inputs of every network before table indices, and the hash of its outputs.

Any runtime or device can prove itself by it before it decodes a stream. Inputs are integers: a spread of values, and
values that saturate every fixed point, where sums are largest.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from trellic.errors import DamagedModel
from trellic.model.model import Floats, Model
from trellic.model.schedule import MOST_CHANNELS
from trellic.model.session import Sessions

SIDE = 4
SATURATED = 4095
MOST_INPUTS = 16
_SEED, _STEP = 2654435761, 0x9E3779B1
"""Of a multiplicative hash: integers that look random and need no generator."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Expected(NamedTuple):
    """What a network must answer: the channels of its inputs, 0 for the quality, and the SHA-256 of its outputs."""

    inputs: tuple[int, ...]
    sha256: str


def inputs_of(channels: Sequence[int]) -> list[list[Floats]]:
    """Return sets of inputs for a network, given the channels of each input; 0 stands for the quality."""
    found = []
    for case in range(2):
        inputs = []
        for number, count in enumerate(channels):
            if not count:
                inputs.append(np.full((1, 1, 1), 0.375, np.float32))
                continue
            numbers = np.arange(count * SIDE * SIDE, dtype=np.uint64) + np.uint64(_SEED * (number + 1) & 0xFFFFFFFF)
            mixed = (numbers * np.uint64(_STEP)) & np.uint64(0xFFFFFFFF)
            spread = (mixed >> np.uint64(20)).astype(np.float32) / 16 - 128
            values = spread if case == 0 else np.where(spread < 0, -SATURATED, SATURATED)
            inputs.append(values.astype(np.float32).reshape(count, SIDE, SIDE))
        found.append(inputs)
    return found


def digest(sessions: Sessions, graph: str, channels: Sequence[int]) -> str:
    """Return the SHA-256 of a network's outputs for the probe's inputs. Raises DamagedModel."""
    hashed = hashlib.sha256()
    for inputs in inputs_of(channels):
        for output in sessions.run(graph, inputs):
            hashed.update(output.astype("<f4").tobytes())
    return hashed.hexdigest()


def add_probe(model: Model, channels: Mapping[str, Sequence[int]]) -> Model:
    """Return the model with a probe in its card; `channels` of the inputs of each network before table indices."""
    sessions = Sessions(model, 1)
    probe = {
        name: {"inputs": list(counts), "sha256": digest(sessions, name, counts)} for name, counts in channels.items()
    }
    return model.with_card(probe=probe)


def probe_of(model: Model) -> dict[str, Expected]:
    """Return what the card says that networks answer, by name; nothing where it has no probe. Raises DamagedModel."""
    probe = model.card.get("probe", {})
    try:
        return {str(name): _expected(**entry) for name, entry in probe.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise DamagedModel(f"model {model.name}: the exactness probe of its card cannot be read ({error})") from error


def _expected(inputs: Any, sha256: Any) -> Expected:
    possible = isinstance(inputs, list) and all(type(count) is int and 0 <= count <= MOST_CHANNELS for count in inputs)
    if not possible or len(inputs) > MOST_INPUTS or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ValueError("an entry is not the channels of some inputs and a SHA-256")
    return Expected(tuple(inputs), sha256)


def failures(sessions: Sessions) -> list[str]:
    """Return the networks before table indices whose outputs here differ from the card's probe, or are not in it.

    Raises DamagedModel where the probe, or a network, is not sound.
    """
    probe = probe_of(sessions.model)
    return [
        graph
        for graph in sessions.model.schedule.entropy_graphs
        if graph not in probe or digest(sessions, graph, probe[graph].inputs) != probe[graph].sha256
    ]
