"""The integrator brings a measure to its target, whatever the weight has to be."""

import pytest

from trellic.train.pleasing.control import LEAST, MOST, Integrator


@pytest.mark.parametrize("slope", [0.5, 2.0, 20.0])
def test_a_measure_comes_to_its_target(slope):
    control = Integrator(2.0, 0.05)
    for _ in range(4000):
        control.update(1 + slope * control.weight)
    assert 1 + slope * control.weight == pytest.approx(2.0, abs=0.05)


def test_a_weight_stays_within_bounds():
    low, high = Integrator(2.0, 0.05), Integrator(2.0, 0.05)
    for _ in range(3000):
        low.update(50.0)
        high.update(1.0)
    assert (low.weight, high.weight) == (LEAST, MOST)
