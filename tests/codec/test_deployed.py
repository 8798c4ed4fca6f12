"""Steps and rate weights between operating points: steps are part of the format, in integers."""

from dataclasses import replace

import pytest

from trellic.codec.deployed import DeployedQuantizer
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.parameters import ONE
from trellic.quantize import quantizer_named
from trellic.quantize.settings import OperatingPoint

QUARTER = HIGHEST_QUALITY // 4


@pytest.fixture
def deployed():
    """A quantizer with two operating points, at a quarter and at three."""
    points = OperatingPoint(0.25, 1000.4, 0.1), OperatingPoint(0.75, 1009.6, 0.3)
    return replace(DeployedQuantizer.plain(quantizer_named("rdoq"), ONE, 0.0), operating_points=points)


def test_a_step_is_interpolated_in_integers_and_rounded_to_the_nearest(deployed):
    """Ten steps over half of all qualities: of 1280 qualities each, the first and the last are half as many."""
    steps = [deployed.step_at(quality) for quality in range(QUARTER, 3 * QUARTER + 1)]
    assert [steps.count(step) for step in range(1000, 1011)] == [640, *[1280] * 9, 641]
    assert steps == sorted(steps)


def test_beyond_its_operating_points_a_quantizer_has_that_of_the_nearest(deployed):
    assert deployed.step_at(0) == deployed.step_at(QUARTER - 1) == 1000
    assert deployed.step_at(HIGHEST_QUALITY) == 1010
    assert deployed.at(0).rate_weight == 0.1
    assert deployed.at(HIGHEST_QUALITY).rate_weight == 0.3


def test_rate_weights_are_interpolated(deployed):
    assert deployed.at(2 * QUARTER).rate_weight == pytest.approx(0.2)
    assert deployed.at(2 * QUARTER).step == deployed.step_at(2 * QUARTER) == 1005


def test_one_step_and_rate_weight_for_all_qualities(deployed):
    plain = deployed.with_parameters(777, 0.5)
    assert {(plain.at(quality).step, plain.at(quality).rate_weight) for quality in (0, 9999, HIGHEST_QUALITY)} == {
        (777, 0.5)
    }
