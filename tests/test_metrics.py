"""Metrics agree with those that the field uses."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from conftest import textured
from trellic.evaluate.bdrate import bd_rate
from trellic.metrics import ms_ssim, psnr

CURVES = json.loads((Path(__file__).parent.parent / "experiments/results/published.json").read_text())["kodak"]


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


def test_psnr_of_a_known_error():
    flat = np.full((8, 8, 3), 100, np.uint8)
    assert psnr(flat, flat) == math.inf
    assert psnr(flat, flat + np.uint8(1)) == pytest.approx(20 * math.log10(255))


@pytest.mark.parametrize("size", [(192, 256), (201, 187)])
def test_ms_ssim_agrees_with_the_common_implementation(size):
    torch = pytest.importorskip("torch")
    package = pytest.importorskip("pytorch_msssim")
    one = textured(*size)
    other = np.clip(one + np.random.default_rng(1).normal(0, 12, one.shape), 0, 255).astype(np.uint8)
    x, y = (torch.from_numpy(picture).permute(2, 0, 1)[None].double() for picture in (one, other))
    assert ms_ssim(one, other) == pytest.approx(float(package.ms_ssim(x, y, data_range=255)), abs=1e-6)
