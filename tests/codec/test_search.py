"""The encoder's search: fewer bits for the same error, never a worse stream, in tiles and for targets too."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic import Codec
from trellic.codec import Target
from trellic.codec import search as searching
from trellic.codec.analysis import analyse_tile
from trellic.codec.costs import error_weight
from trellic.codec.encoder import Coded, encode_latents
from trellic.codec.fit_restoration import fitted
from trellic.codec.restoration import corrected
from trellic.codec.search import (
    FIRST_STEP,
    RISE,
    SHORTENING,
    Objective,
    by_weights_of_its_own,
    search,
)
from trellic.codec.tiles import windows
from trellic.codec.visibility import SSIMULACRA2
from trellic.container import Grid, Stream
from trellic.entropy.parameters import ONE
from trellic.entropy.rans import Encoder
from trellic.errors import DamagedModel
from trellic.metrics import psnr
from trellic.picture.types import Picture


@pytest.fixture(scope="module")
def tiny():
    """A codec of a tiny model that searches."""
    return Codec(str(GOLDEN / "golden.trm"), 1, effort=9, tile=256)


def window_of(codec, pixels, side=1024, number=0):
    grid = Grid.of(pixels.shape[1], pixels.shape[0], side)
    return list(windows(Picture(pixels), grid, codec.model.margin))[number]


def objective_of(codec, window, analysed):
    return Objective(codec.sessions, window, analysed)


def gradient_at(objective, decoded):
    return objective.gradient_at(decoded, np.zeros_like(objective.target))[0]


def error_at(objective, decoded):
    return objective.corrected(objective.pixels_of(decoded))[1]


def know(monkeypatch, gradient, errors, encode):
    """Let a search see one gradient, a curvature of 1, and known errors, one after another."""

    class Known(Objective):
        def gradient_at(self, decoded, added):
            return gradient, None

        def corrected(self, pixels):
            return np.zeros_like(self.target), next(errors)

    monkeypatch.setattr(searching, "Objective", Known)
    monkeypatch.setattr(searching, "encode_latents", encode)
    monkeypatch.setattr(searching, "curvature_of", lambda *arguments: np.ones((len(gradient), 1, 1), np.float32))


def test_a_photograph_takes_fewer_bits_for_its_error(codec, photograph):
    pixels = photograph.pixels[100:228, 300:492]
    window = window_of(codec, pixels)
    analysed = analyse_tile(codec.sessions, window, 50 * 256)
    before = encode_latents(codec.sessions, analysed, codec.deployed)
    after = search(codec.sessions, window, analysed, before, codec.deployed, 5)[1]
    objective = objective_of(codec, window, analysed)
    errors = [error_at(objective, coded.decoded) for coded in (before, after)]
    saved = 8 * (len(before.data) - len(after.data)) + error_weight(50 * 256) * (errors[0] - errors[1])
    assert saved > 0.02 * 8 * len(before.data)


def test_the_round_of_least_error_and_bits_is_kept_while_rates_weigh_ever_more(tiny, monkeypatch):
    """Where a squared error of 1 is worth 8 bits, 5 bytes for 10 of it are a gain, and 100 for 40 are none."""
    window = window_of(tiny, textured(64, 64))
    analysed = analyse_tile(tiny.sessions, window, 12800)
    zeros = np.zeros_like(analysed.targets["y"])
    rounds = [Coded(bytes(100), 0.0, {"y": zeros}) for _ in range(10)]
    rounds[3] = Coded(bytes(105), 0.0, {"y": zeros})  # the best
    rounds[5] = Coded(bytes(200), 0.0, {"y": zeros})  # the least error, too dear
    errors = iter([100.0, 100, 100, 100, 90, 100, 60, 100, 100, 100, 100])
    weights = []

    def encode(sessions, moved, deployed, coder):
        weights.append(deployed.at(0).rate_weight)
        return rounds[len(weights) - 1]

    know(monkeypatch, zeros, errors, encode)
    monkeypatch.setattr(searching, "error_weight", lambda quality: 8)
    before = Coded(bytes(100), 0.0, {"y": zeros})
    deployed = tiny.deployed.with_parameters(ONE, 0.02)
    assert search(tiny.sessions, window, analysed, before, deployed, 10)[1] is rounds[3]
    assert next(errors, None) is None
    assert weights == pytest.approx(0.02 * (1 + RISE * np.arange(1, 11) / 10))


def test_targets_move_by_ever_smaller_parts_and_go_on_from_the_best_where_much_is_lost(tiny, monkeypatch):
    """By a gradient of 1 and a curvature of 1, where latents are 0; all rounds take no bytes."""
    window = window_of(tiny, textured(64, 64))
    analysed = analyse_tile(tiny.sessions, window, 12800)
    zeros, ones = (np.full_like(analysed.targets["y"], value) for value in (0, 1))
    analysed = replace(analysed, targets={**analysed.targets, "y": zeros})
    before = Coded(b"", 0.0, {"y": zeros})
    errors, targets = iter([10.0, 6, 7, 9, 5]), []  # of 4 that are won 1 is lost, then 3

    def encode(sessions, moved, deployed, coder):
        targets.append(float(moved.targets["y"].ravel()[0]))
        return replace(before)

    know(monkeypatch, ones, errors, encode)
    search(tiny.sessions, window, analysed, before, tiny.deployed, 4)
    parts = [FIRST_STEP / (1 + SHORTENING * number) for number in range(4)]
    first = -parts[0]
    second = first + parts[1] * (-1 - first)
    third = second + parts[2] * (-1 - second)
    again = first + parts[3] * (-1 / 2 - first)
    assert targets == pytest.approx([first, second, third, again])


def test_a_photograph_on_a_white_page_gains_too(codec, photograph):
    page = np.full((320, 320, 3), 255, np.uint8)
    page[64:256, 64:256] = photograph.pixels[100:292, 300:492]
    still = codec.using()
    still.refinement = codec.refinement._replace(rounds=0)
    costs = []
    for one in (still, codec):
        data = one.encode_picture(Picture(page), Target(50)).data
        error = np.square(one.decode_picture(data).pixels.astype(float) - page).sum()
        costs.append(8 * len(data) + error_weight(12800) * error)
    assert costs[1] < 0.997 * costs[0]


def test_with_a_model_whose_gradient_is_not_known_or_cannot_be_run_nothing_is_searched(photograph, monkeypatch):
    codec = Codec(str(GOLDEN / "golden.trm"), 1)
    still = codec.using()
    still.refinement = codec.refinement._replace(rounds=0)
    pixels = photograph.pixels[:64, :128]
    expected = still.encode(pixels)
    with monkeypatch.context() as patched:
        patched.setitem(vars(codec.model), "gradient", None)
        assert codec.encode(pixels) == expected
    monkeypatch.setattr(Objective, "_run", lambda *arguments: (_ for _ in ()).throw(DamagedModel("no")))
    assert codec.encode(pixels) == expected


def test_where_predictions_have_no_adjoints_the_synthesis_alone_counts(codec, photograph, monkeypatch):
    """Neither those that are not known, nor those that cannot be run."""
    window = window_of(codec, photograph.pixels[100:228, 300:492])
    analysed = analyse_tile(codec.sessions, window, 2560)
    decoded = encode_latents(codec.sessions, analysed, codec.deployed).decoded
    whole = gradient_at(objective_of(codec, window, analysed), decoded)
    broken = objective_of(codec, window, analysed)
    with monkeypatch.context() as patched:
        patched.setattr(searching, "through_predictions", lambda *arguments: (_ for _ in ()).throw(DamagedModel("no")))
        alone = gradient_at(broken, decoded)
    assert not broken.follows
    assert np.array_equal(alone[-1, 0, 1::2], whole[-1, 0, 1::2])  # coded last
    assert not np.array_equal(alone[0], whole[0])
    monkeypatch.setitem(vars(codec.model), "adjoints", {})
    assert np.array_equal(gradient_at(objective_of(codec, window, analysed), decoded), alone)


def test_high_efforts_search_and_a_named_quantizer_does_not(photograph):
    pixels = photograph.pixels[100:164, 300:428]
    searching = Codec(effort=9, threads=1)
    plain, still = searching.using("tcq1024"), searching.using(effort=9)
    still.refinement = searching.refinement._replace(rounds=0)
    assert searching.encode(pixels) != still.encode(pixels)
    assert searching.refinement.rounds > plain.using(effort=8).refinement.rounds > plain.using().refinement.rounds > 0
    assert plain.refinement.rounds == plain.using(effort=6).refinement.rounds == 0


@pytest.mark.parametrize("options", [{"tile": 128, "predict": True}, {"tile": 256}])
def test_blocks_and_small_tiles_are_searched_from_effort_8_on(options):
    quick = Codec(threads=1, **options)
    assert quick.refinement.rounds == quick.using(effort=7).refinement.rounds == 0
    assert quick.using(effort=8).refinement.rounds == Codec(effort=8, threads=1, **options).refinement.rounds > 0


def test_what_is_found_in_tiles_is_what_a_decoder_shows(tiny):
    pixels = textured(300, 420)
    data = tiny.encode_picture(Picture(pixels), Target(60)).data
    assert Stream.parse(data).header.grid.tiles > 1
    tiny.verify(data)
    still = tiny.using(effort=9)
    still.refinement = tiny.refinement._replace(rounds=0)
    before = still.encode_picture(Picture(pixels), Target(60)).data
    found, plain = (psnr(pixels, tiny.decode_picture(each).pixels) for each in (data, before))
    assert data != before
    assert found > plain - 0.5


def test_a_tiles_error_is_that_of_its_picture_before_quantization(codec, photograph):
    """The surroundings of a tile are those of the analysis, so that no seam is made at its edges."""
    pixels = photograph.pixels[:256, :512]
    window = window_of(codec, pixels, side=256, number=1)
    analysed = analyse_tile(codec.sessions, window, 90 * 256)
    whole = analyse_tile(codec.sessions, window_of(codec, pixels), 90 * 256)
    latents = whole.around[:, *window.tile.within(Grid.whole(512, 256).picture, 16)]
    np.testing.assert_allclose(analysed.targets["y"], latents, atol=0.1)
    error = error_at(objective_of(codec, window, analysed), analysed.targets)
    assert np.sqrt(error / window.pixels.size) < 3


def test_a_target_is_met(tiny):
    pixels = textured(70, 90)
    assert len(tiny.encode(pixels, size=600)) <= 600
    assert psnr(pixels, np.asarray(tiny.decode(tiny.encode(pixels, psnr=19)))) >= 19


def test_where_a_picture_is_continued_no_error_counts(tiny):
    pixels = textured(50, 70)
    window = window_of(tiny, pixels)
    objective = objective_of(tiny, window, analyse_tile(tiny.sessions, window, 2560))
    assert objective.weights.sum() == 50 * 70
    assert objective.weights[0, :50, :70].all()


def test_what_will_be_restored_counts_as_it_is_then(tiny):
    """A picture that is 9 too dark counts as right where the filter will add 9, and nothing is continued by it."""
    window = window_of(tiny, textured(50, 70).clip(20, 200))
    analysed = analyse_tile(tiny.sessions, window, 12800)

    def fit(decoded):
        assert decoded.dtype == np.uint8
        assert decoded.shape == (3, 50, 70)
        return lambda pixels: np.full(pixels.shape, 9, np.float32)

    plain, restored = objective_of(tiny, window, analysed), objective_of(tiny, window, analysed)
    restored.fit(fit, restored.pixels_of(analysed.targets))
    shown = (plain.target - 9).astype(np.uint8)
    added, error = restored.corrected(shown)
    assert (added[:, :50, :70] == 9).all()
    assert (added[:, 50:] == 0).all()
    assert error == 0 < plain.corrected(shown)[1]
    found = restored.gradient_at(analysed.targets, added)[0]
    plain.target -= added
    assert np.array_equal(found, gradient_at(plain, analysed.targets))


def test_a_gradient_comes_with_what_a_decoder_shows(tiny):
    window = window_of(tiny, textured(50, 70))
    analysed = analyse_tile(tiny.sessions, window, 12800)
    objective = objective_of(tiny, window, analysed)
    far = {**analysed.targets, "y": 9 * analysed.targets["y"]}  # darker than black, and brighter than white
    _, pixels = objective.gradient_at(far, np.zeros_like(objective.target))
    assert pixels.min() == 0
    assert np.abs(pixels.astype(int) - objective.pixels_of(far)).max() <= 1


def test_latents_are_found_that_show_the_picture_once_it_is_corrected(codec, photograph):
    """Where the filter makes all samples 4 brighter, latents show a darker picture."""
    window = window_of(codec, photograph.pixels[100:228, 300:492])
    analysed = analyse_tile(codec.sessions, window, 12800)
    before = encode_latents(codec.sessions, analysed, codec.deployed)

    def fit(decoded):
        return lambda pixels: np.full(pixels.shape, 4, np.float32)

    after = search(codec.sessions, window, analysed, before, codec.deployed, 5, fit)[1]
    objective = objective_of(codec, window, analysed)
    objective.fit(fit, objective.pixels_of(before.decoded))
    errors = [error_at(objective, one.decoded) for one in (before, after)]
    assert errors[1] < 0.8 * errors[0]


def test_a_tile_is_corrected_by_weights_that_are_fitted_to_it_once(codec, photograph):
    pixels = photograph.pixels[:64, :64]
    window, original = window_of(codec, pixels), np.ascontiguousarray(pixels.transpose(2, 0, 1))
    decoded = original // 2
    fit, found = by_weights_of_its_own(window, 12800), fitted(decoded, original, error_weight(12800))
    assert found.weights is not None
    correct = fit(decoded)
    assert np.array_equal(decoded + correct(decoded), found.shown)
    other = decoded + np.uint8(1)
    assert np.array_equal(other + correct(other), corrected(other, found.weights))
    assert not fit(original)(original).any()


def test_the_filter_is_fitted_to_what_the_trellis_shows_alone_and_after_every_third_round(tiny):
    window, seen = window_of(tiny, textured(64, 64)), []
    analysed = analyse_tile(tiny.sessions, window, 12800)
    before = encode_latents(tiny.sessions, analysed, tiny.deployed)

    def fit(decoded):
        seen.append(decoded)
        return lambda pixels: np.zeros(pixels.shape, np.float32)

    search(tiny.sessions, window, analysed, before, tiny.deployed, 2, fit)
    (decoded,) = seen
    assert np.array_equal(decoded, objective_of(tiny, window, analysed).pixels_of(before.decoded))
    for rounds, fits in ((3, 2), (5, 2), (6, 3)):
        seen.clear()
        search(tiny.sessions, window, analysed, before, tiny.deployed, rounds, fit)
        assert len(seen) == fits
        assert np.array_equal(seen[0], decoded)
        assert not np.array_equal(seen[1], decoded)


def test_in_skipped_blocks_no_error_counts(tiny):
    window = window_of(tiny, textured(100, 128))
    analysed = replace(analyse_tile(tiny.sessions, window, 12800), skipped=np.array([[0, 1], [0, 0]], np.uint8))
    weights = objective_of(tiny, window, analysed).weights[0]
    assert (weights[:64, 64:] == 0).all()
    assert weights.sum() == 100 * 128 - 64 * 64


def test_what_goes_before_the_variables_is_kept(tiny):
    window = window_of(tiny, textured(64, 64))
    analysed = analyse_tile(tiny.sessions, window, 12800)

    def begin():
        coder = Encoder(single=True)
        coder.push(np.zeros(200, np.uint8), np.full(200, 1, np.int32), tiny.deployed.tables_of("y"))
        return coder

    before = encode_latents(tiny.sessions, analysed, tiny.deployed, coder=begin())
    alone = encode_latents(tiny.sessions, analysed, tiny.deployed)
    found = search(tiny.sessions, window, analysed, alone, tiny.deployed, 2, begin=begin)[1]
    assert found is alone  # what goes before takes more bytes than a search saves
    found = search(tiny.sessions, window, analysed, before, tiny.deployed, 2, begin=begin)[1]
    assert found is not before
    assert len(found.data) > len(alone.data)


def test_errors_count_as_they_are_seen(tiny):
    pixels = textured(128, 128)
    pixels[:64] = 128
    window = window_of(tiny, pixels)
    analysed = analyse_tile(tiny.sessions, window, 2560, SSIMULACRA2)
    weights = objective_of(tiny, window, analysed).weights[0]
    assert np.array_equal(weights[::16, ::16], analysed.visibility)
    assert weights[0, 0] > weights[-1, -1]


def test_the_smallest_picture_can_be_searched(tiny):
    data = tiny.encode(np.full((1, 1, 3), 77, np.uint8), 50)
    assert tiny.decode(data).size == (1, 1)
