"""Changes merged into a model's weights: an adapter then costs no time, and exact networks stay exact.

A change of a layer before table indices is merged row by row in integers, bias and all: the sum of all magnitudes that
a row can add up stays below 2²⁴ units, as `trellic.networks.exact` explains, or the row's unit becomes coarser until it
does.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.errors import DamagedAdapter
from trellic.model.arrays import Arrays
from trellic.model.change import Change
from trellic.model.model import Model

EXACT_SUM = 2.0**24
"""Sums of integers below this are exact in single precision, in whatever order."""
FINEST = 2.0**-24
"""Weights of exact layers are multiples of this: half precision has nothing finer."""
MOST_DOUBLINGS = 64
LEVELS, SCALE = "fixed_point.levels", "fixed_point.scale"

Doubles = npt.NDArray[np.float64]


def merge(model: Model, half: str, changes: Sequence[Change], amount: float = 1.0) -> Arrays:
    """Return a half's arrays with so much of changes merged. Raises DamagedAdapter for what cannot be merged.

    Changes of exact layers are merged whole.
    """
    arrays = dict(model.file.arrays[half])
    exact = _exact_arrays(model) if half == "decoder" else set()
    for change in changes:
        if change.array in exact:
            _merge_exact(model, arrays, change)
        else:
            merged = arrays[change.array].astype(np.float64) + amount * change.values()
            arrays[change.array] = _held(change.array, merged, arrays[change.array].dtype)
    return arrays


def _exact_arrays(model: Model) -> set[str]:
    """Return the arrays of the networks that compute the same on every processor."""
    graphs = model.schedule.entropy_graphs if model.is_exact else []
    return {array for name in graphs for array in model.file.graphs["decoder"][name].weights.values()}


def _merge_exact(model: Model, arrays: Arrays, change: Change) -> None:
    """Merge a low-rank change of an exact layer's weight, or a delta of its bias; both go onto the same units."""
    layer, _, tensor = change.array.rpartition(".")
    buffers = {**model.file.arrays["encoder"], **model.file.arrays["decoder"]}  # exporting shares those that are alike
    levels, scale = buffers.get(f"{layer}.{LEVELS}"), buffers.get(f"{layer}.{SCALE}")
    weight, bias = arrays.get(f"{layer}.weight"), arrays.get(f"{layer}.bias")
    may_change = change.rank > 0 if tensor == "weight" else tensor == "bias"
    if not may_change or levels is None or scale is None or weight is None or bias is None:
        raise DamagedAdapter(f"changes {change.array}, which must stay as it is")
    changed = {"weight": weight.astype(np.float64), "bias": bias.astype(np.float64)}
    changed[tensor] += change.values() / (scale if tensor == "weight" else 1.0)
    before, after = (_rows(one["weight"], one["bias"]) for one in ({"weight": weight, "bias": bias}, changed))
    reach = np.append(np.full(before.shape[1] - 1, float(levels)), 1.0)
    merged, units = merge_rows(before, after, reach)
    arrays[f"{layer}.weight"] = _held(change.array, merged[:, :-1].reshape(weight.shape), weight.dtype)
    arrays[f"{layer}.bias"] = _held(f"{layer}.bias", merged[:, -1], bias.dtype)
    if not are_exact(_rows(arrays[f"{layer}.weight"], arrays[f"{layer}.bias"]), units, reach):
        raise DamagedAdapter(f"half precision does not hold {change.array} as it would be changed")


def _rows(weight: npt.NDArray[Any], bias: npt.NDArray[Any]) -> Doubles:
    """Return a layer's weights with its bias as a last column, (O, I + 1)."""
    return np.column_stack([weight.reshape(len(weight), -1), bias]).astype(np.float64)


def merge_rows(before: Doubles, changed: Doubles, reach: Doubles) -> tuple[Doubles, Doubles]:
    """Return changed rows on units that keep their sums exact, and the unit of each row, (O,).

    before, changed  an exact layer's weights with its bias as a last column, (O, I + 1)
    reach            the largest magnitude that each column is multiplied by, (I + 1,)
    A row's unit is the largest power of two of which the numbers before are multiples; it is doubled until the
    magnitudes that the row can sum to are less than 2²⁴ units.
    """
    units = _units(before)
    for _ in range(MOST_DOUBLINGS):
        merged: Doubles = np.rint(changed / units[:, None]) * units[:, None]
        above = np.abs(merged) @ reach >= EXACT_SUM * units
        if not above.any():
            break
        units = np.where(above, 2 * units, units)
    return merged, units


def are_exact(rows: Doubles, units: Doubles, reach: Doubles) -> bool:
    """Return whether rows are multiples of their units, and all that they can sum to is exact in single precision."""
    counted = rows / units[:, None]
    return bool((counted == np.rint(counted)).all() and (np.abs(counted) @ reach < EXACT_SUM).all())


def _units(rows: Doubles) -> Doubles:
    """Return the largest power of two of which all numbers of a row are multiples; FINEST for a row of zeros."""
    counted = np.rint(rows / FINEST).astype(np.int64)
    lowest = np.where(counted == 0, np.iinfo(np.int64).max, counted & -counted).min(axis=1)
    return np.where(counted.any(axis=1), lowest, 1) * FINEST


def _held(name: str, values: Doubles, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return values in a model's precision. Raises DamagedAdapter where that has no such numbers."""
    with np.errstate(over="ignore"):
        held = values.astype(kind)
    if not np.isfinite(held).all():
        raise DamagedAdapter(f"changes {name} to numbers that are not finite")
    return held
