"""Back projection brings latents nearer to what shows the picture, at qualities at which that pays, and only there."""

import numpy as np
import pytest

from conftest import GOLDEN
from trellic import Codec
from trellic.codec import Target
from trellic.codec.analysis import LEAST_PROJECTED, analyse, analyse_tile, analysed_again
from trellic.codec.decoder import synthesize
from trellic.codec.tiles import windows
from trellic.container import Grid
from trellic.container.header import HIGHEST_QUALITY
from trellic.metrics import psnr
from trellic.picture.types import Picture


@pytest.fixture(scope="module")
def sessions(codec):
    return codec.sessions


def shown(sessions, analysed):
    planes = synthesize(sessions, analysed.targets, analysed.quality)
    return planes[:, : analysed.height, : analysed.width].transpose(1, 2, 0)


@pytest.mark.parametrize("quality", [12800, 20480, HIGHEST_QUALITY])
def test_back_projected_latents_show_more_of_the_picture(sessions, photograph, quality):
    pixels = photograph.pixels[:131, :197]
    plain, projected = (analyse(sessions, pixels, quality, projects) for projects in (False, True))
    assert psnr(pixels, shown(sessions, projected)) > psnr(pixels, shown(sessions, plain)) + 0.3


def test_what_is_added_is_the_part_by_quality_of_what_a_generation_takes_away(sessions, photograph):
    pixels, quality = photograph.pixels[:64, :128], 20480
    plain, projected = (analyse(sessions, pixels, quality, projects) for projects in (False, True))
    latents = plain.targets["y"]
    lost = latents - analysed_again(sessions, latents, plain)
    np.testing.assert_allclose(projected.targets["y"] - latents, 0.8 * lost, atol=1e-5)
    assert np.array_equal(projected.around, projected.targets["y"])
    assert np.array_equal(projected.targets["z"], plain.targets["z"])


def test_low_qualities_do_without(sessions, photograph):
    pixels, quality = photograph.pixels[:64, :64], int(LEAST_PROJECTED * HIGHEST_QUALITY) - 1
    plain, projected = (analyse(sessions, pixels, quality, projects) for projects in (False, True))
    assert np.array_equal(projected.targets["y"], plain.targets["y"])


def test_a_tile_has_the_latents_of_its_place_among_surroundings(sessions, photograph):
    grid = Grid.of(256, 192, 128)
    picture = Picture(np.ascontiguousarray(photograph.pixels[:192, :256]))
    for window in windows(picture, grid, 64):
        whole = analyse(sessions, window.pixels, 20480, True)
        tile = analyse_tile(sessions, window, 20480, projects=True)
        assert np.array_equal(tile.targets["y"], whole.targets["y"][:, *window.tile.within(window.around, 16)])
        assert np.array_equal(tile.around, whole.targets["y"])


def test_the_default_effort_is_ahead_of_its_quantizer_alone_at_high_quality(codec, photograph):
    alone = codec.using(quantizer=codec.quantizer.name)
    picture = Picture(np.ascontiguousarray(photograph.pixels[:256, :256]))
    (more, better), (less, worse) = (
        (len(data), psnr(picture.pixels, each.decode_picture(data).pixels))
        for each in (codec, alone)
        for data in [each.encode_picture(picture, Target(90)).data]
    )
    assert better - worse > 6 * np.log2(more / less)  # twice the bytes bring 4 to 5 dB there


def test_a_model_whose_analysis_is_no_inverse_still_codes():
    picture = Picture(np.random.default_rng(3).integers(0, 256, (80, 100, 3)).astype(np.uint8))
    codec = Codec(str(GOLDEN / "golden.trm"), 1, effort=5)
    assert codec.decode_picture(codec.encode_picture(picture, Target(100)).data).pixels.shape == (80, 100, 3)
