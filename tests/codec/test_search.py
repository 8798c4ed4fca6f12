"""The encoder's search: fewer bits for the same error, never a worse stream, in tiles and for targets too."""

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic import Codec
from trellic.codec import Target
from trellic.codec.encoder import analyse_tile, encode_latents
from trellic.codec.search import SLOPE, Objective, search
from trellic.codec.tiles import windows
from trellic.container import Grid, Stream
from trellic.metrics import psnr
from trellic.picture.types import Picture


@pytest.fixture(scope="module")
def tiny():
    """A codec of a tiny model that searches."""
    return Codec(str(GOLDEN / "golden.trm"), 1, effort=9, tile=256)


def window_of(codec, pixels, side=1024, number=0):
    grid = Grid.of(pixels.shape[1], pixels.shape[0], side)
    return list(windows(Picture(pixels), grid, codec.model.margin))[number]


def test_a_photograph_takes_fewer_bits_for_its_error(codec, photograph):
    pixels = photograph.pixels[100:228, 300:492]
    window = window_of(codec, pixels)
    analysed = analyse_tile(codec.sessions, window, 50 * 256)
    before = encode_latents(codec.sessions, analysed, codec.deployed)
    after = search(codec.sessions, window, analysed, before, codec.deployed)
    objective, point = Objective(codec.sessions, window, analysed), codec.deployed.at(50 * 256)
    errors = [objective.at(coded.decoded["y"]) for coded in (before, after)]
    curvature = objective.curvature(before.decoded["y"], errors[0].samples)
    slope = SLOPE * curvature.mean() * (point.step / 1024) ** 2 * point.rate_weight
    saved = 8 * (len(before.data) - len(after.data)) + (errors[0].error - errors[1].error) / slope
    assert saved > 0.01 * 8 * len(before.data)


def test_effort_nine_searches_and_a_named_quantizer_does_not(photograph):
    pixels = photograph.pixels[:64, :128]
    searching = Codec(effort=9, threads=1)
    plain = searching.using("tcq1024")
    assert searching.encode(pixels) != plain.encode(pixels)
    assert searching.searches
    assert not plain.searches
    assert not plain.using(effort=8).searches


def test_what_is_found_in_tiles_is_what_a_decoder_shows(tiny):
    pixels = textured(300, 420)
    data = tiny.encode_picture(Picture(pixels), Target(60)).data
    assert Stream.parse(data).header.grid.tiles > 1
    tiny.verify(data)
    before = tiny.using("tcq1024").encode_picture(Picture(pixels), Target(60)).data
    assert psnr(pixels, tiny.decode_picture(data).pixels) > psnr(pixels, tiny.decode_picture(before).pixels) - 0.5


def test_a_tiles_error_is_that_of_its_picture_before_quantization(codec, photograph):
    """The surroundings of a tile are those of the analysis, so that no seam is made at its edges."""
    pixels = photograph.pixels[:256, :512]
    window = window_of(codec, pixels, side=256, number=1)
    analysed = analyse_tile(codec.sessions, window, 90 * 256)
    whole = analyse_tile(codec.sessions, window_of(codec, pixels), 90 * 256)
    latents = whole.around[:, *window.tile.within(Grid.whole(512, 256).picture, 16)]
    np.testing.assert_allclose(analysed.targets["y"], latents, atol=0.1)
    shown = Objective(codec.sessions, window, analysed).at(analysed.targets["y"])
    assert np.sqrt(shown.error / window.pixels.size) < 3


def test_a_target_is_met(tiny):
    pixels = textured(70, 90)
    assert len(tiny.encode(pixels, size=600)) <= 600
    assert psnr(pixels, np.asarray(tiny.decode(tiny.encode(pixels, psnr=19)))) >= 19


def test_where_a_picture_is_continued_no_error_counts(tiny):
    pixels = textured(50, 70)
    window = window_of(tiny, pixels)
    objective = Objective(tiny.sessions, window, analyse_tile(tiny.sessions, window, 2560))
    assert objective.weights.sum() == 50 * 70
    assert objective.weights[0, :50, :70].all()


@pytest.mark.parametrize("value", [0, 255])
def test_a_picture_that_is_clipped_is_coded_as_it_is(tiny, value):
    pixels = np.full((64, 64, 3), value, np.uint8)
    window = window_of(tiny, pixels)
    analysed = analyse_tile(tiny.sessions, window, 25600)
    shown = Objective(tiny.sessions, window, analysed)
    clipped = np.full((3, 64, 64), value, np.float32)
    assert shown.curvature(analysed.targets["y"], clipped) is None


def test_the_smallest_picture_can_be_searched(tiny):
    data = tiny.encode(np.full((1, 1, 3), 77, np.uint8), 50)
    assert tiny.decode(data).size == (1, 1)
