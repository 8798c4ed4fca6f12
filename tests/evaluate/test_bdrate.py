"""BD-rates are those that the field reports."""

import json
from pathlib import Path

import pytest

from trellic.evaluate.bdrate import bd_rate

ROOT = Path(__file__).parent.parent.parent
CURVES = json.loads((ROOT / "experiments" / "published.json").read_text())["kodak"]


PUBLISHED = [
    ("jpeg", 208.5), ("jpeg2000", 98.0), ("webp", 78.7), ("bpg444", 22.0), ("hm", 23.3), ("av1", 16.2),
    ("bmshj2018-factorized", 68.1), ("bmshj2018-hyperprior", 30.5), ("mbt2018-mean", 21.3), ("mbt2018", 11.0),
    ("cheng2020-anchor", 3.7), ("elic", -7.4), ("elic-sm", -1.1), ("cool-chic-5.0", -6.6), ("mlicplusplus", -15.0),
    ("shallow-JPEG-like", 54.7), ("shallow-2-layer", 34.7), ("shallow-2-layer+SGA", 20.1),
]  # fmt: skip
"""BD-rates against VTM on Kodak, per cent."""


def points(codec):
    return [tuple(point) for point in CURVES[codec]["bpp_psnr"]]


@pytest.mark.parametrize(("codec", "expected"), PUBLISHED)
def test_bd_rate_against_vtm_is_what_the_field_reports(codec, expected):
    assert bd_rate(points("vtm"), points(codec)).percent == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("codec", ["jpeg", "webp", "av1", "mbt2018-mean"])
def test_bd_rate_agrees_with_the_bjontegaard_package(codec):
    package = pytest.importorskip("bjontegaard")
    arguments = [list(column) for curve in (points("vtm"), points(codec)) for column in zip(*curve, strict=True)]
    theirs = package.bd_rate(*arguments, method="pchip", require_matching_points=False, min_overlap=0)
    assert bd_rate(points("vtm"), points(codec)).percent == pytest.approx(theirs, abs=0.05)


def test_bd_rate_refuses_curves_that_do_not_overlap():
    with pytest.raises(ValueError, match="overlap"):
        bd_rate([(1, 30), (2, 31)], [(1, 40), (2, 41)])


def test_a_codec_that_takes_half_the_bits_saves_half():
    anchor = [(2.0**n, 30.0 + n) for n in range(5)]
    assert bd_rate(anchor, [(rate / 2, quality) for rate, quality in anchor]).percent == pytest.approx(-50)


def test_only_the_common_range_is_compared():
    anchor = [(2.0**n, 30.0 + n) for n in range(5)]
    rate = bd_rate(anchor, [(2.0**n, 30.0 + n) for n in range(2, 9)])
    assert rate == (pytest.approx(0), 32, 34)


def test_of_points_of_one_quality_the_first_counts_and_a_single_point_is_no_curve():
    with pytest.raises(ValueError, match="two points"):
        bd_rate([(1, 30), (2, 30)], [(1, 30), (2, 31)])
