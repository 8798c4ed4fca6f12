"""Calibration: a grid without edges, whose best node is deployed; as commands too."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from trellic.codec.deployed import DeployedQuantizer
from trellic.entropy.parameters import ONE
from trellic.errors import BadRequest, NoPictures
from trellic.model import Model
from trellic.quantize import quantizer_named
from trellic.tune.calibrate import (
    AS_GOOD,
    COARSER,
    CURVE_QUALITIES,
    FINER,
    QUALITIES,
    REACH,
    Curve,
    calibrate,
    descend,
    operating_points,
    widest,
)
from trellic.tune.validation import Point


def test_the_search_leaves_the_grid_it_began_on():
    """The best node is found however far it lies, and all its neighbours have been tried."""

    def bowl(node):
        return (node[0] - 7) ** 2 + 0.5 * (node[1] + 5) ** 2

    tried = descend(bowl)
    best = min(tried, key=tried.get)
    assert best == (7, -5)
    assert all((7 + a, -5 + b) in tried for a in (-1, 0, 1) for b in (-1, 0, 1))
    assert len(tried) < 60


def test_moving_along_the_curve_gains_nothing_and_leaving_it_is_no_gain():
    points = [Point(0.1 * 2**number, 30.0 + 3 * number) for number in range(len(CURVE_QUALITIES))]
    before = Curve(points)
    assert all(before.gap(point) == pytest.approx(0, abs=1e-9) for point in points)
    assert before.gap(points[2]._replace(rate=0.99 * points[2].rate)) == pytest.approx(np.log(0.99))
    assert before.gap(Point(0.01, 25.0)) is before.gap(Point(0.01, 60.0)) is None


def test_an_operating_point_stays_near_its_quality():
    """Else a quality might give a larger file than a higher one."""
    before = Curve([Point(0.1 * 2**number, 30.0 + quality / 5) for number, quality in enumerate(CURVE_QUALITIES)])
    assert before.is_near(Point(1.0, 38.0), 40)
    assert before.is_near(Point(1.0, 38.0 + (REACH - 1) / 5), 40)
    assert not before.is_near(Point(1.0, 38.0 - (REACH + 1) / 5), 40)


class Along:
    """Validation of a quantizer that gains at equal PSNR the coarser its steps are, and loses PSNR with it."""

    def fitted(self, deployed, qualities):
        return deployed

    def measure(self, deployed, quality):
        coarseness = np.log(deployed.at(256 * quality).step / ONE)
        decibels = 30 + quality / 5 - 8 * coarseness
        return Point(float(np.exp(0.15 * (decibels - 30) - 0.02 * coarseness)), float(decibels))


def test_a_gain_along_the_curve_does_not_carry_an_operating_point_away():
    found = operating_points(Along(), DeployedQuantizer.plain(quantizer_named("deadzone"), ONE, 0.08), lambda _: None)
    for quality, each in zip(QUALITIES, found, strict=True):
        assert each.point.step > ONE
        assert abs(each.measured.psnr - (30 + quality / 5)) <= REACH / 5


@pytest.mark.parametrize("outward", [COARSER, FINER])
def test_the_step_farthest_outward_of_those_that_are_as_good_is_chosen(outward):
    def flat_for_three(node):
        return -0.05 + 0.1 * AS_GOOD * abs(node[1] - 1) + (0.3 if abs(node[0]) <= 3 else 5) * AS_GOOD * abs(node[0])

    tried = {(0, 1): flat_for_three((0, 1)), (-outward, 0): -0.06}
    assert widest(flat_for_three, {(0, 1): tried[(0, 1)]}, outward) == (3 * outward, 1)
    assert widest(flat_for_three, tried, outward) == (-outward, 0)


def test_calibration_finds_an_operating_point_at_each_quality(model, pictures):
    reported = []
    tcq8 = quantizer_named("tcq8")
    made = calibrate(model, pictures, [tcq8], reported.append, {"command": "mine"})
    points = made.operating_points("tcq8")
    assert [round(100 * point.quality) for point in points] == [0, *QUALITIES, 100]
    assert points[0].step > points[1].step
    assert points[-1].step < points[-2].step
    assert DeployedQuantizer.of(made, tcq8).at(90 * 256).rate_weight == points[-1].rate_weight
    card = made.quantizer_card("tcq8")["calibration"]
    assert card["command"] == "mine"
    assert len(card["log_rates_against_uniform"]) == len(QUALITIES)
    assert any("at equal PSNR" in message for message in reported)


def test_what_cannot_be_calibrated_is_refused(model, pictures):
    with pytest.raises(BadRequest):
        calibrate(model, pictures, [quantizer_named("uniform")])
    with pytest.raises(NoPictures):
        calibrate(model, [], [quantizer_named("tcq8")])


def test_the_commands_write_a_model_that_is_tuned(model, pictures, tmp_path):
    from trellic.cli import app

    (tmp_path / "pictures").mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture.pixels).save(tmp_path / "pictures" / f"{number}.png")
    (tmp_path / "tiny.trm").write_bytes(model.pack())
    calibrated, fitted = tmp_path / "calibrated.trm", tmp_path / "fitted.trm"
    for verb, before, after in (("calibrate", tmp_path / "tiny.trm", calibrated), ("fit-tables", calibrated, fitted)):
        arguments = [verb, tmp_path / "pictures", "-m", before, "-o", after, "--quantizer", "deadzone"]
        result = CliRunner().invoke(app, list(map(str, arguments)))
        assert result.exit_code == 0, result.output
    made = Model.read(fitted)
    assert made.operating_points("deadzone")
    assert made.has_tables("deadzone")
    assert made.quantizer_card("deadzone")["tables"]["before"] == Model.read(calibrated).name
    assert np.ptp(made.weights(0.5)) > 0
