"""Metrics agree with those that the field uses."""

import math

import numpy as np
import pytest

from conftest import textured
from trellic.errors import BadRequest
from trellic.metrics import ms_ssim, psnr


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


@pytest.mark.parametrize("measure", [psnr, ms_ssim])
@pytest.mark.parametrize(
    "change", [lambda one: one / 255, lambda one: one[:, :1], lambda one: one[:-1], lambda one: [1]]
)
def test_what_is_no_picture_of_the_same_shape_is_refused(measure, change):
    pixels = textured(200, 200)
    with pytest.raises(BadRequest):
        measure(pixels, change(pixels))
