"""Errors weigh less where the picture is busy, in the search for indices alone."""

import io

import numpy as np
import pytest
from PIL import Image

import trellic.pillow  # noqa: F401
from conftest import GOLDEN
from trellic import Codec, encode
from trellic.codec import Target
from trellic.codec.analysis import analyse_tile
from trellic.codec.tiles import windows
from trellic.codec.visibility import SSIMULACRA2, visibility
from trellic.container import Grid
from trellic.errors import BadRequest
from trellic.evaluate.ssimulacra2 import ssimulacra2
from trellic.picture.types import Picture

GOLDEN_MODEL = str(GOLDEN / "golden.trm")


def test_busy_cells_weigh_less_and_plain_ones_more():
    pixels = np.full((32, 48, 3), 90, np.uint8)
    pixels[16:, 16:32] = np.random.default_rng(0).integers(0, 256, (16, 16, 1))
    weights = visibility(pixels, 16)
    assert weights.shape == (2, 3)
    assert weights[1, 1] < 0.5
    assert (np.delete(weights.ravel(), 4) == weights[0, 0]).all()
    assert 1 < weights[0, 0] < 2


def test_a_tile_has_the_weights_of_the_whole_picture(photograph):
    codec = Codec(GOLDEN_MODEL, 1)
    picture = Picture(photograph.pixels[:256, :512])

    def weights(side):
        grid = Grid.of(512, 256, side)
        return [
            analyse_tile(codec.sessions, window, 12800, SSIMULACRA2).visibility
            for window in windows(picture, grid, codec.model.margin)
        ]

    np.testing.assert_allclose(np.hstack(weights(256)), weights(1024)[0], rtol=1e-5)


def test_a_photograph_of_a_size_looks_better(codec, photograph):
    pytest.importorskip("ssimulacra2")
    picture = Picture(photograph.pixels[100:356, 300:556])
    of_effort = codec.using(effort=4)
    scores = [
        ssimulacra2(picture.pixels, of_effort.decode_picture(of_effort.encode_picture(picture, target).data).pixels)
        for target in (Target(size=4000), Target(size=4000, tune=SSIMULACRA2))
    ]
    assert scores[1] > scores[0] + 0.5


def test_the_plugin_and_the_search_take_a_tune(photograph):
    pixels = photograph.pixels[:64, :128]
    plain, tuned = (encode(pixels, tune=tune, effort=9, model=GOLDEN_MODEL) for tune in ("psnr", SSIMULACRA2))
    assert plain != tuned
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TLIC", tune=SSIMULACRA2, effort=9, model=GOLDEN_MODEL)
    assert file.getvalue() == tuned


def test_an_unknown_tune_is_reported():
    with pytest.raises(BadRequest, match="tune 'ssim' is not one of psnr, ssimulacra2"):
        Target(tune="ssim")
