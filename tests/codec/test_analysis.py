"""Before anything is quantized: what counts is the picture, inside its edges, and what its latents show of it."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import GOLDEN
from trellic import Codec
from trellic.codec import Target
from trellic.codec import analysis as module
from trellic.codec.analysis import LEAST_PROJECTED, analyse, analyse_tile, analysed_again, back_projected
from trellic.codec.decoder import synthesize
from trellic.codec.layer_targets import LayerTargets
from trellic.codec.tiles import windows
from trellic.container import Grid
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import DamagedModel
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
    plain = analyse(sessions, pixels, quality)
    projected = back_projected(sessions, plain)
    assert psnr(pixels, shown(sessions, projected)) > psnr(pixels, shown(sessions, plain)) + 0.3


def test_what_is_added_is_the_part_by_quality_of_what_a_generation_takes_away(sessions, photograph):
    pixels, quality = photograph.pixels[:64, :128], 20480
    plain = analyse(sessions, pixels, quality)
    projected = back_projected(sessions, plain)
    latents = plain.targets["y"]
    lost = latents - analysed_again(sessions, plain.targets, quality)
    np.testing.assert_allclose(projected.targets["y"] - latents, 0.8 * lost, atol=1e-5)
    assert np.array_equal(projected.around, projected.targets["y"])
    assert np.array_equal(projected.targets["z"], plain.targets["z"])


def test_low_qualities_do_without(sessions, photograph):
    pixels, quality = photograph.pixels[:64, :64], int(LEAST_PROJECTED * HIGHEST_QUALITY) - 1
    plain = analyse(sessions, pixels, quality)
    projected = back_projected(sessions, plain)
    assert np.array_equal(projected.targets["y"], plain.targets["y"])


def test_what_is_added_begins_without_a_jump(sessions, photograph):
    pixels = photograph.pixels[:64, :64]
    moved = []
    for quality in range(7600, 9000, 100):
        plain = analyse(sessions, pixels, quality)
        moved.append(np.abs(back_projected(sessions, plain).targets["y"] - plain.targets["y"]).mean())
    assert moved[0] == 0 < moved[1] < max(np.diff(moved)) < 0.15 * moved[-1]


def test_tiles_have_the_latents_of_the_whole_picture(codec, photograph):
    """Back projected, too, so that no seam is made: margins are as wide as both transforms see."""
    pixels = np.ascontiguousarray(photograph.pixels[:256, :512])
    whole = back_projected(codec.sessions, analyse(codec.sessions, pixels, 23040))
    for window in windows(Picture(pixels), Grid.of(512, 256, 256), codec.model.margin):
        tile = analyse_tile(codec.sessions, window, 23040, back_projects=True)
        box = window.tile.within(Grid.of(512, 256, 256).picture, 16)
        assert np.abs(tile.targets["y"] - whole.targets["y"][:, *box]).max() < 0.01
        assert np.array_equal(tile.targets["y"], tile.around[:, *window.tile.within(window.around, 16)])


def test_the_default_effort_is_ahead_of_its_quantizer_alone_at_high_quality(codec, photograph):
    alone = codec.using(quantizer=codec.quantizer.name)
    picture = Picture(np.ascontiguousarray(photograph.pixels[:256, :256]))
    (more, better), (less, worse) = (
        (len(data), psnr(picture.pixels, each.decode_picture(data).pixels))
        for each in (codec, alone)
        for data in [each.encode_picture(picture, Target(90)).data]
    )
    assert better - worse > 6 * np.log2(more / less)  # twice the bytes bring 4 to 5 dB there


def test_layers_are_back_projected_and_what_a_quantizer_is_named_for_is_not(codec, photograph, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "back_projected", lambda sessions, analysed: seen.append(analysed.quality) or analysed)
    picture = Picture(np.ascontiguousarray(photograph.pixels[:64, :64]))
    codec.encode_picture(picture, Target(80, layers=LayerTargets(2)))
    assert len(seen) == 1
    for quantizer in ("uniform", "tcq256", "lattice"):
        codec.using(quantizer=quantizer).encode_picture(picture, Target(80))
    assert len(seen) == 1


def test_a_model_whose_latents_grow_without_bound_is_refused(sessions, photograph, monkeypatch):
    plain = analyse(sessions, photograph.pixels[:64, :64], HIGHEST_QUALITY)
    huge = replace(plain, targets={**plain.targets, "y": np.full_like(plain.targets["y"], 3e38)})
    monkeypatch.setattr(module, "analysed_again", lambda *_: np.full_like(plain.targets["y"], -3e38))
    with pytest.raises(DamagedModel, match="too large"):
        back_projected(sessions, huge)


def test_a_model_whose_analysis_is_no_inverse_still_codes():
    picture = Picture(np.random.default_rng(3).integers(0, 256, (80, 100, 3)).astype(np.uint8))
    codec = Codec(str(GOLDEN / "golden.trm"), 1, effort=5)
    codec.verify(codec.encode_picture(picture, Target(100)).data)


def test_errors_count_by_the_part_of_a_position_that_lies_in_the_picture(sessions):
    analysed = analyse(sessions, np.zeros((20, 72, 3), np.uint8), 12800)
    assert np.array_equal(analysed.covered[:, 0], [1, 0.25, 0, 0])
    assert np.array_equal(analysed.covered[0], [1, 1, 1, 1, 0.5, 0, 0, 0])
    assert np.array_equal(analysed.error_weights, analysed.weights * analysed.covered)
    (window,) = windows(Picture(np.zeros((20, 72, 3), np.uint8)), Grid.of(72, 20, 1024), 48)
    assert np.array_equal(analyse_tile(sessions, window, 12800).covered, analysed.covered)


def test_errors_of_skipped_blocks_do_not_count(sessions):
    plain = analyse(sessions, np.zeros((64, 128, 3), np.uint8), 12800)
    analysed = replace(plain, skipped=np.array([[0, 1]], np.uint8))
    assert plain.counted.all()
    assert analysed.counted[:, :4].all()
    assert not analysed.counted[:, 4:].any()


def test_what_lies_beyond_the_edges_of_a_picture_takes_few_bytes(codec, photograph, monkeypatch):
    picture = Picture(np.ascontiguousarray(photograph.pixels[100:170, 100:240]))
    data = codec.encode_picture(picture, Target(40)).data
    monkeypatch.setattr(module, "_covered", lambda width, height, latents: np.ones(latents.shape[1:], np.float32))
    counted = codec.encode_picture(picture, Target(40)).data
    assert len(data) < 0.97 * len(counted)
    better, worse = (psnr(picture.pixels, codec.decode_picture(each).pixels) for each in (data, counted))
    assert better > worse - 0.05
