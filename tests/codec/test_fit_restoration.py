"""Weights are found where they pay for their bits, and nowhere else; what error is left is counted exactly."""

import numpy as np
import pytest

from conftest import textured
from trellic.codec.fit_restoration import Fit, fitted
from trellic.codec.restoration import corrected
from trellic.container import Grid
from trellic.container.restoration import BANDS, FEATURES, PLANES, write_weights

BITS_OF_ERROR = 0.02


def planes(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.ascontiguousarray(textured(height, width, seed).transpose(2, 0, 1))


def error(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.square(one.astype(np.int32) - other).sum())


def softened(pixels: np.ndarray) -> np.ndarray:
    """Return a picture less sharp, and of less colour, as a low quality has them."""
    larger = np.pad(pixels.astype(np.float64), ((0, 0), (1, 1), (1, 1)), mode="edge")
    mean = sum(larger[:, y : y + pixels.shape[1], x : x + pixels.shape[2]] for y in range(3) for x in range(3)) / 9
    return np.clip(np.rint(0.9 * mean + 0.1 * mean.mean(axis=0)), 0, 255).astype(np.uint8)


def test_what_follows_from_the_decoded_pixels_is_corrected():
    original = planes(120, 160)
    decoded = softened(original)
    weights, shown, *_ = fitted(decoded, original, BITS_OF_ERROR)
    assert weights is not None
    assert np.array_equal(shown, corrected(decoded, weights))
    assert error(shown, original) < 0.8 * error(decoded, original)


@pytest.mark.parametrize("bits_of_error", [0.0001, 0.001, 0.01, 0.1])
def test_weights_save_more_than_they_take(bits_of_error):
    original = planes(90, 110, 3)
    decoded = softened(original)
    weights, shown, *_ = fitted(decoded, original, bits_of_error)
    bits = 0 if weights is None else 8 * (len(write_weights([weights])) - 2)
    saved = bits_of_error * (error(decoded, original) - error(shown, original))
    assert saved >= bits
    assert (saved == 0) == (weights is None)


def test_the_more_an_error_is_worth_the_more_weights_there_are():
    original = planes(90, 110, 3)
    decoded = softened(original)
    found = [fitted(decoded, original, bits)[0] for bits in (1e-5, 1e-3, 1e-1)]
    assert found[0] is None
    assert found[1] is not None
    assert found[2] is not None
    assert np.count_nonzero(found[1]) < np.count_nonzero(found[2])


def test_bands_of_luma_have_weights_of_their_own_where_that_pays():
    original = planes(120, 160)
    dark = np.clip(original * 0.9 + 12, 0, 255).astype(np.uint8)
    decoded = np.where(original[1] < 128, dark, original)
    weights, shown, *_ = fitted(decoded, original, BITS_OF_ERROR)
    assert weights is not None
    assert weights[1:].any()
    assert error(shown, original) < 0.2 * error(decoded, original)
    same, *_ = fitted(softened(original), original, 0.0003)
    assert same is not None
    assert not same[1:].any()


def test_pixels_elsewhere_are_neither_seen_nor_corrected():
    original = planes(80, 100)
    where = np.arange(100) < np.full((80, 1), 60)
    decoded = softened(original)
    elsewhere = np.where(where, decoded, 255 - decoded)
    (weights, shown, *_), (other, *_) = (fitted(each, original, BITS_OF_ERROR, where) for each in (decoded, elsewhere))
    assert weights is not None
    assert other is not None
    assert np.array_equal(shown[:, ~where], decoded[:, ~where])
    assert np.array_equal(shown[:, where], corrected(decoded, weights)[:, where])
    assert np.mean(weights == other) > 0.9  # features reach two pixels beyond


def test_nothing_is_found_where_nothing_follows():
    original = planes(64, 64)
    random = np.random.default_rng(0)
    flat = np.full_like(original, 128)
    for decoded, wanted in ((original, original), (flat, flat + random.integers(0, 2, flat.shape, np.uint8))):
        weights, shown, *_ = fitted(decoded, wanted, 0.001)
        assert weights is None
        assert np.array_equal(shown, decoded)


def test_the_same_picture_gives_the_same_weights():
    original = planes(70, 90, 5)
    decoded = softened(original)
    first, again = (fitted(each, original, BITS_OF_ERROR)[0] for each in (decoded, decoded.copy()))
    assert first is not None
    assert np.array_equal(first, again)


@pytest.mark.parametrize("exact", [(), (1,)])
def test_regions_are_fitted_when_they_are_complete_and_their_error_is_counted(exact):
    grid = Grid(200, 100, 128, 128)
    original = planes(100, 200, 1)
    decoded = softened(original)
    fit = Fit(grid, BITS_OF_ERROR, exact)
    whole = grid.shown
    for top in (0, 48):
        for left in (0, 96):
            box = whole._replace(left=left, top=top, right=left + 104 if left else 96, bottom=top + 52 if top else 48)
            fit.add(box, decoded[:, *box.within(whole)], original[:, *box.within(whole)])
    left_over = 0.0
    for number in range(2):
        place = grid.tile(number).common(whole).within(whole)
        weights, shown, *_ = fitted(decoded[:, *place], original[:, *place], BITS_OF_ERROR)
        if number in exact:
            weights, shown = None, decoded[:, *place]
        assert (fit.weights[number] is None) == (weights is None)
        assert weights is None or np.array_equal(fit.weights[number], weights)
        left_over += error(shown, original[:, *place])
    assert fit.restoration()[1] == left_over
    assert fit.weights[0].shape == (1 + BANDS, PLANES, FEATURES)
