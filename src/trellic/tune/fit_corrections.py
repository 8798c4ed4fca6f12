"""Fit by which weights scales are corrected while a pass is coded: those that cost the fewest bits on pictures.

Ratios of decoded and expected magnitudes do not depend on the weights. So they are gathered once, and the three weights
of each pass are searched for, one after another, in steps that get smaller.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.codec.analysis import Analysed, analyse
from trellic.codec.coding import Pass
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import quantize_in_order
from trellic.codec.positions import Floats
from trellic.container.header import QUALITY_ONE
from trellic.entropy.bits import index_bits
from trellic.entropy.correction import FRACTION_BITS, LARGEST_WEIGHT, WEIGHTS, Decoded, moves_of, shifted
from trellic.entropy.states import CdfIndices, Indices
from trellic.entropy.tables import Tables
from trellic.errors import NoPictures
from trellic.kernels import kernel
from trellic.model import Model, Sessions
from trellic.model.schedule import Code, Schedule
from trellic.picture.types import Picture
from trellic.processors import processors
from trellic.quantize import Quantizer
from trellic.tune.pictures import QUALITIES, middle_of

SIDE = 512
"""Of the middle of a picture, which is what is counted."""
STEPS = 128, 64, 32, 16, 8
UNITS = tuple(tuple((1 << FRACTION_BITS) * (row == column) for column in range(WEIGHTS)) for row in range(WEIGHTS))
"""Weights by which scale indices move by the very logarithm of one ratio."""

Weights = tuple[int, ...]


class Example(NamedTuple):
    """A pass: its cdf indices and indices, and the logarithms of its ratios, int32 (WEIGHTS, n)."""

    cdf_indices: CdfIndices
    indices: Indices
    ratios: npt.NDArray[np.int32]


def fit_corrections(
    model: Model,
    pictures: Sequence[Picture],
    quantizer: Quantizer,
    report: Callable[[str], None] = lambda message: None,
) -> Model:
    """Return a model whose deployed passes have weights for the indices that a quantizer emits on pictures.

    Raises NoPictures where there are none.
    """
    if not pictures:
        raise NoPictures("none of the pictures can be read")
    plain = with_weights(model, {})
    deployed, sessions = DeployedQuantizer.of(plain, quantizer), Sessions(plain, threads=1)
    report("looking at what passes show of themselves")
    with ThreadPoolExecutor(processors()) as pool:
        parts = list(pool.map(lambda picture: _examples(sessions, deployed, picture), pictures))
    passes = [step for step in plain.schedule.passes if not step.is_rounded]
    found = {step: _fit([part[step] for part in parts], deployed.tables) for step in passes}
    return with_weights(plain, found)


def with_weights(model: Model, weights: dict[Code, Weights]) -> Model:
    """Return a model with the weights of its passes, and none where none are given."""
    old = model.schedule
    code = tuple(
        replace(step, correction=weights.get(step, ())) if isinstance(step, Code) else step for step in old.code
    )
    return model.with_card(schedule=Schedule(old.variables, old.encode, code, old.decode).to_json())


def _examples(sessions: Sessions, deployed: DeployedQuantizer, picture: Picture) -> dict[Code, list[Example]]:
    """Return every deployed pass of a picture at every quality."""
    found: dict[Code, list[Example]] = {}
    for quality in QUALITIES:
        analysed = analyse(sessions, middle_of(picture.pixels, SIDE), quality * QUALITY_ONE)
        for step, example in _passes(sessions, deployed, analysed):
            found.setdefault(step, []).append(example)
    return found


def _passes(sessions: Sessions, deployed: DeployedQuantizer, analysed: Analysed) -> list[tuple[Code, Example]]:
    """Return every deployed pass of an analysed picture, in order."""
    found: list[tuple[Code, Example]] = []
    decoded: dict[tuple[str, int, int], tuple[Decoded, ...]] = {}

    def see(at: Pass, indices: Indices, cdf_indices: CdfIndices, values: Floats) -> None:
        step = at.step
        if step.is_rounded:
            return
        key, sides = (step.variable, step.start, step.stop), analysed.targets[step.variable].shape[1:]
        known = decoded.setdefault(key, tuple(Decoded(step.stop - step.start, *sides) for _ in range(WEIGHTS)))
        ratios = [
            moves_of(one.correction(unit, deployed.tables, at.positions), cdf_indices, indices)
            for one, unit in zip(known, UNITS, strict=True)
        ]
        found.append((step, Example(cdf_indices, indices, np.array(ratios))))

    quantize_in_order(sessions, analysed, deployed, see)
    return found


def _fit(examples: Sequence[Sequence[Example]], tables: Tables) -> Weights:
    """Return the weights of a pass, given what each picture shows of it at each quality.

    Every quality counts alike: bits are compared with those without correction.
    """
    joined = [
        Example(*(np.concatenate(arrays, axis=-1) for arrays in zip(*each, strict=True)))
        for each in zip(*examples, strict=True)
    ]
    before = [max(1.0, _bits(np.zeros(WEIGHTS, np.int64), each, tables)) for each in joined]

    def cost(weights: npt.NDArray[np.int64]) -> float:
        return sum(_bits(weights, each, tables) / plain for each, plain in zip(joined, before, strict=True))

    best, least = np.zeros(WEIGHTS, np.int64), float(len(joined))
    for step in STEPS:
        improves = True
        while improves:
            improves = False
            for moved in (best + sign * step * unit for unit in np.eye(WEIGHTS, dtype=np.int64) for sign in (1, -1)):
                if np.abs(moved).max() <= LARGEST_WEIGHT and (found := cost(moved)) < least:
                    best, least, improves = moved, found, True
    return tuple(map(int, best))


def _bits(weights: npt.NDArray[np.int64], example: Example, tables: Tables) -> float:
    """Return what an example costs in bits by weights."""
    return float(_cost(weights, *example, tables.radius, tables.start, tables.bits))


@kernel
def _cost(weights, cdf_indices, indices, ratios, radius, start, bits):  # type: ignore[no-untyped-def]
    total = 0.0
    for n in range(len(indices)):
        moved = 1 << (FRACTION_BITS - 1)
        for number in range(len(weights)):
            moved += weights[number] * ratios[number, n]
        cdf_index = shifted(cdf_indices[n], moved >> FRACTION_BITS)
        total += index_bits(indices[n], cdf_index, radius, start, bits)
    return total
