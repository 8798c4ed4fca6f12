"""Changes merged into a model's weights: an adapter then costs no time, and exact networks stay exact.

A change of a layer before table indices is merged row by row in integers: the sum of all magnitudes that a row can add
up stays below 2²⁴ units, as `trellic.networks.exact` explains, or the row's unit becomes coarser until it does.
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
FINEST = 2.0**-24
"""Weights of exact layers are multiples of this: half precision has nothing finer."""
MOST_DOUBLINGS = 64
LEVELS, SCALE = "fixed_point.levels", "fixed_point.scale"

Doubles = npt.NDArray[np.float64]


def merge(model: Model, half: str, changes: Sequence[Change]) -> Arrays:
    """Return a half's arrays with changes merged. Raises DamagedAdapter for what cannot be merged."""
    arrays = dict(model.file.arrays[half])
    exact = _exact_arrays(model) if half == "decoder" else set()
    for change in changes:
        if change.array in exact:
            _merge_exact(model, arrays, change)
        else:
            merged = arrays[change.array].astype(np.float64) + change.values()
            arrays[change.array] = _held(change.array, merged, arrays[change.array].dtype)
    return arrays


def _exact_arrays(model: Model) -> set[str]:
    """Return the arrays of the networks that compute the same on every processor."""
    graphs = model.schedule.entropy_graphs if model.is_exact else []
    return {array for name in graphs for array in model.file.graphs["decoder"][name].weights.values()}


def _merge_exact(model: Model, arrays: Arrays, change: Change) -> None:
    """Merge a low-rank change into an exact 1×1 layer; its bias goes onto the same units."""
    layer = change.array.removesuffix("weight")
    levels = model.file.arrays["encoder"].get(layer + LEVELS)
    if not change.rank or levels is None or not {f"{layer}bias", layer + SCALE} <= set(arrays):
        raise DamagedAdapter(f"changes {change.array}, which must stay as it is")
    before, biases, scale = (arrays[name] for name in (change.array, f"{layer}bias", layer + SCALE))
    changed = (before.astype(np.float64) + change.values() / scale)[:, :, 0, 0]
    weight, bias, units = merge_rows(
        before[:, :, 0, 0].astype(np.float64), biases.astype(np.float64), changed, float(levels)
    )
    arrays[change.array] = _held(change.array, weight[:, :, None, None], before.dtype)
    arrays[f"{layer}bias"] = _held(f"{layer}bias", bias, biases.dtype)
    held = (arrays[name].astype(np.float64).reshape(one.shape) for name, one in
            ((change.array, weight), (f"{layer}bias", bias)))  # fmt: skip
    if not is_exact(*held, units, float(levels)):
        raise DamagedAdapter(f"half precision does not hold {change.array} as it would be changed")


def merge_rows(weight: Doubles, bias: Doubles, changed: Doubles, levels: float) -> tuple[Doubles, Doubles, Doubles]:
    """Return changed weights (O, I) and biases (O,) of an exact layer on units that keep it exact, and the units (O,).

    A row's unit is the largest power of two of which its weights and bias were multiples; it is doubled until the
    magnitudes of weights times `levels`, and of the bias, sum to less than 2²⁴ units.
    """
    units = _units(np.column_stack([weight, bias]))
    for _ in range(MOST_DOUBLINGS):
        rounded, moved = np.rint(changed / units[:, None]) * units[:, None], np.rint(bias / units) * units
        above = _sums(rounded, moved, levels) >= EXACT_SUM * units
        if not above.any():
            break
        units = np.where(above, 2 * units, units)
    return rounded, moved, units


def is_exact(weight: Doubles, bias: Doubles, units: Doubles, levels: float) -> bool:
    """Return whether rows of weights (O, I) and biases (O,) are multiples of units whose sums stay exact."""
    counted = np.column_stack([weight, bias]) / units[:, None]
    return bool((counted == np.rint(counted)).all() and (_sums(weight, bias, levels) < EXACT_SUM * units).all())


def _sums(weight: Doubles, bias: Doubles, levels: float) -> Doubles:
    """Return the largest magnitude that each row can sum to."""
    sums: Doubles = np.abs(weight).sum(axis=1) * levels + np.abs(bias)
    return sums


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
