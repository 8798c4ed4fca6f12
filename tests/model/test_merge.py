"""Merged rows: what can be added up stays exact, and nothing else changes."""

import numpy as np
import pytest

from adapters import GOLDEN, random_changes
from trellic.errors import DamagedAdapter
from trellic.model import Model, find_model
from trellic.model import merge as merging
from trellic.model.change import Change, count_of
from trellic.model.merge import EXACT_SUM, FINEST, are_exact, merge, merge_rows

LEVELS = 2047.0


def rows(units: np.ndarray, fill: float, columns: int = 64) -> np.ndarray:
    """Return rows on units whose sums fill a fraction of what is exact."""
    random = np.random.default_rng(0)
    counted = random.integers(-100, 101, (len(units), columns)).astype(float)
    counted[:, -1] = 1  # so that the unit is the row's
    reach = np.append(np.full(columns - 1, LEVELS), 1.0)
    scale = fill * EXACT_SUM / (np.abs(counted) @ reach)
    counted[:, :-1] = np.rint(counted[:, :-1] * scale[:, None])
    return counted * units[:, None]


UNITS = 2.0 ** np.array([-24, -20, -9, 0])
REACH = np.append(np.full(63, LEVELS), 1.0)


def test_rows_that_do_not_change_stay_as_they_are():
    before = rows(UNITS, 0.9)
    merged, units = merge_rows(before, before, REACH)
    assert np.array_equal(merged, before)
    assert np.array_equal(units, UNITS)


def test_changed_rows_are_rounded_to_their_units():
    before = rows(UNITS, 0.4)
    changed = before + np.random.default_rng(1).normal(0, 3, before.shape) * UNITS[:, None]
    merged, units = merge_rows(before, changed, REACH)
    assert np.array_equal(units, UNITS)
    assert (np.abs(merged - changed) <= UNITS[:, None] / 2).all()
    assert are_exact(merged, units, REACH)


def test_units_are_doubled_until_sums_are_exact():
    before = rows(UNITS, 0.9)
    merged, units = merge_rows(before, 5 * before, REACH)
    assert np.array_equal(units, 8 * UNITS)
    assert are_exact(merged, units, REACH)
    assert not are_exact(5 * before, UNITS, REACH)


def test_a_row_of_zeros_has_the_finest_unit():
    assert merge_rows(np.zeros((1, 64)), np.zeros((1, 64)), REACH)[1] == FINEST


def test_rows_without_end_end():
    merged, units = merge_rows(rows(UNITS, 0.9), np.full((4, 64), 1e30), REACH)
    assert not are_exact(merged, units, REACH)


def test_a_merged_model_differs_only_where_it_is_changed():
    changes = random_changes(GOLDEN)["decoder"][:1]
    merged, before = merge(GOLDEN, "decoder", changes), GOLDEN.file.arrays["decoder"]
    assert [name for name in before if not np.array_equal(merged[name], before[name])] == [changes[0].array]
    assert all(merged[name].dtype == before[name].dtype for name in before)


def test_numbers_that_are_not_finite_are_refused():
    name, values = next((name, each) for name, each in GOLDEN.file.arrays["decoder"].items() if each.dtype == "f2")
    change = Change(name, values.shape, 0, 20, np.ones(values.size, np.int32))
    with pytest.raises(DamagedAdapter, match="not finite"):
        merge(GOLDEN, "decoder", [change])


LAYER = "prior.networks.first_0.layers.0."


@pytest.fixture(scope="module")
def shipped() -> Model:
    return Model.read(find_model("base"))


def low_rank_change(shipped: Model) -> Change:
    """Return a change of an exact layer by a half, up or down, before its fixed points."""
    shape = shipped.file.arrays["decoder"][LAYER + "weight"].shape
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.int32), count_of(shape, 1))
    return Change(LAYER + "weight", shape, 1, -1, signs)


def test_a_change_of_an_exact_layer_counts_its_inputs_fixed_points(shipped):
    change, arrays = low_rank_change(shipped), shipped.file.arrays["decoder"]
    scale = {**shipped.file.arrays["encoder"], **arrays}[LAYER + "fixed_point.scale"].astype(np.float64)
    assert np.ptp(scale) > 0
    wanted = change.values() / scale
    found = merge(shipped, "decoder", [change])[change.array].astype(np.float64) - arrays[change.array]
    assert np.abs(found - wanted).mean() < 0.1 * np.abs(wanted).mean()


def test_what_was_merged_is_proven_exact_before_it_is_used(shipped, monkeypatch):
    def careless(before, changed, reach):
        units = merge_rows(before, before, reach)[1]
        return np.rint(64 * before / units[:, None]) * units[:, None], units

    monkeypatch.setattr(merging, "merge_rows", careless)
    with pytest.raises(DamagedAdapter, match="half precision does not hold"):
        merge(shipped, "decoder", [low_rank_change(shipped)])


@pytest.mark.parametrize("layer", ["first_0.layers.0", "first_0.layers.2", "second_1.head.layer"])
def test_a_delta_of_a_bias_goes_onto_the_units_of_an_exact_layer(layer, shipped):
    before, name = shipped.file.arrays["decoder"], f"prior.networks.{layer}.bias"
    integers = np.arange(before[name].size, dtype=np.int32) % 7 - 3
    merged = merge(shipped, "decoder", [Change(name, before[name].shape, 0, -6, integers)])
    assert np.allclose(merged[name] - before[name], integers * 2.0**-6, atol=2.0**-9)
    weight = f"prior.networks.{layer}.weight"
    held = {**before, **shipped.file.arrays["encoder"]}
    levels = float(held[f"prior.networks.{layer}.fixed_point.levels"])
    rows = np.column_stack([merged[weight].reshape(len(merged[weight]), -1), merged[name]]).astype(float)
    reach = np.append(np.full(rows.shape[1] - 1, levels), 1.0)
    assert are_exact(rows, merge_rows(rows, rows, reach)[1], reach)


@pytest.mark.parametrize("what", ["weight", "fixed_point.scale"])
def test_only_low_rank_changes_reach_an_exact_network(what, shipped):
    name = LAYER + what
    shape = shipped.file.arrays["decoder"][name].shape
    change = Change(name, shape, 0, -9, np.ones(count_of(shape, 0), np.int32))
    with pytest.raises(DamagedAdapter, match="must stay as it is"):
        merge(shipped, "decoder", [change])
