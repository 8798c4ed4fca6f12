"""Nested quantizers: cells nest exactly, and digits have the probabilities of their cells' parts."""

import hashlib
import math

import numpy as np
import pytest

from trellic.entropy.intervals import distribution, frequencies, scales
from trellic.entropy.parameters import ONE
from trellic.entropy.tables import TOTAL
from trellic.quantize.nested import Plane, costs, edge, first_child, is_worth, middle, parts

FAMILIES = [(2, 0), (2, 102), (2, 512), (3, 0)]
STEP = 900


def coarse(fine: int, plane: Plane) -> int:
    """Return the index of a fine one with digits missing, by its definition."""
    if plane.radix == 3:
        return round(fine / 3**plane.missing)
    return int(math.copysign(abs(fine) >> plane.missing, fine))


def outer(fine: int, dead_zone: int, sign: int) -> int:
    """Return the edge of a fine cell away from zero, or of zero on a side, in 1/1024."""
    return sign * edge(abs(fine), dead_zone, STEP)


def members(index: int, plane: Plane) -> list[int]:
    reach = plane.power * (abs(index) + 1)
    return [fine for fine in range(-reach, reach + 1) if coarse(fine, plane) == index]


@pytest.mark.parametrize(("radix", "dead_zone"), FAMILIES)
@pytest.mark.parametrize("missing", [1, 2, 3])
@pytest.mark.parametrize("index", [-5, -1, 0, 1, 2])
def test_children_are_the_parts_of_their_cell(radix, dead_zone, missing, index):
    plane, finer = (Plane(radix, digits, dead_zone, STEP) for digits in (missing, missing - 1))
    children = sorted({coarse(fine, finer) for fine in members(index, plane)})
    assert children[0] == first_child(index, radix)
    assert len(children) == (3 if index == 0 or radix == 3 else 2)
    edges = []
    for child in children:
        low, high = min(members(child, finer)), max(members(child, finer))
        edges += [outer(low, dead_zone, -1) if low <= 0 else outer(low - 1, dead_zone, 1)]
        last = outer(high, dead_zone, 1) if high >= 0 else outer(high + 1, dead_zone, -1)
    anchor, mean, scale_index = 70, -333, 30
    wanted = np.cumsum(frequencies(np.array([*edges, last]) + anchor, mean, scale_index, finer.own_step))
    found = parts(
        index, anchor, mean, scales()[scale_index], radix, finer.power, finer.centre, dead_zone, STEP, distribution()
    )
    assert list(found) == [*wanted[:-1], *[TOTAL] * (3 - len(children))]


@pytest.mark.parametrize(("radix", "dead_zone"), FAMILIES)
@pytest.mark.parametrize("missing", [0, 2])
@pytest.mark.parametrize("index", [-3, -1, 1, 4])
def test_a_latent_is_the_middle_of_its_cell_and_zero_the_anchor(radix, dead_zone, missing, index):
    plane = Plane(radix, missing, dead_zone, STEP)
    sizes = [abs(fine) for fine in members(index, plane)]
    wanted = ((min(sizes) + max(sizes)) / 2 + dead_zone / ONE) * STEP / ONE
    found = middle(index, 50, plane.power, plane.centre, dead_zone, STEP) / ONE**2
    assert found == pytest.approx(50 / ONE + math.copysign(wanted, index), abs=1e-6)
    assert middle(0, 50, plane.power, plane.centre, dead_zone, STEP) == 50 * ONE


def test_any_cell_under_any_prediction_has_positive_frequencies():
    random = np.random.default_rng(0)
    for _ in range(3000):
        radix, dead_zone = FAMILIES[random.integers(4)]
        plane = Plane(radix, int(random.integers(0, 8 if radix == 2 else 5)), dead_zone, int(random.integers(1, 4000)))
        index = int(random.integers(-3, 4) * 10 ** random.integers(0, 6))
        anchor, mean = (int(value) for value in random.integers(-(1 << 24), 1 << 24, 2))
        first, second = parts(
            index, anchor, mean, scales()[random.integers(64)],
            radix, plane.power, plane.centre, dead_zone, plane.step, distribution(),
        )  # fmt: skip
        assert 0 < first < second <= TOTAL
        assert (second == TOTAL) == (radix == 2 and index != 0)


def test_a_table_holds_the_masses_of_a_planes_cells():
    plane = Plane(2, 2, 102, STEP)
    tables = plane.tables()
    for scale_index in (5, 20, 40):
        radius, start = tables.radius[scale_index], tables.start[scale_index]
        found = tables.frequency[start : start + 2 * radius + 1] / TOTAL
        scale = scales()[scale_index] / 65536
        reach = 3.5 + 102 / ONE  # of the zero cell, in fine steps
        assert found[radius] == pytest.approx(math.erf(reach / 4 / scale / math.sqrt(2)), abs=0.01)
        assert found[radius + 1] == pytest.approx(found[radius - 1], abs=1e-4)


def test_digits_are_ordered_by_what_they_gain_for_a_bit():
    first_middle = Plane(2, 0, 0, STEP).first_middle
    halves = TOTAL // 2
    assert is_worth(halves, TOTAL, first_middle, 16, costs())  # 1/4 of a squared step for a bit
    assert not is_worth(halves, TOTAL, first_middle, 17, costs())
    third = TOTAL // 3
    slope = 64 * (2 / 3) / math.log2(3)
    assert is_worth(third, 2 * third, first_middle, math.floor(slope), costs())
    assert not is_worth(third, 2 * third, first_middle, math.ceil(slope), costs())


def test_costs_are_the_same_on_every_processor():
    assert hashlib.sha256(costs().astype("<i8").tobytes()).hexdigest()[:16] == "7b8504f497d29998"
