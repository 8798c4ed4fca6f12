"""The restoration filter does what the format says, in integers; regions end it, and boxes make the whole picture."""

import numpy as np
import pytest

from trellic.codec.restoration import REACH, corrected, find_features, restore, split
from trellic.container import Box, Grid
from trellic.container.restoration import BANDS, FEATURES, LARGEST, PLANES


def specified(pixels: np.ndarray) -> np.ndarray:
    """Return the features of the format's page, int64 (FEATURES, H, W), written down once more."""
    red, green, blue = pixels.astype(np.int64)
    planes = [red + 2 * green + blue - 512, 2 * red - 2 * blue, 2 * green - red - blue]
    height, width = red.shape
    near, far, clipped = [], [], []
    for plane in planes:
        larger = np.pad(plane, 2, mode="edge")
        around = {
            (y, x): larger[2 + y : 2 + y + height, 2 + x : 2 + x + width] - plane
            for y in range(-2, 3)
            for x in range(-2, 3)
        }
        near.append(4 * sum(one for at, one in around.items() if max(map(abs, at)) == 1))
        far.append(2 * sum(one for at, one in around.items() if max(map(abs, at)) == 2))
        clipped.append(2 * sum(np.clip(one, -12, 12) for one in around.values()))
    products = [planes[a] * planes[b] // 256 for a in range(3) for b in range(a, 3)]
    return np.stack([np.full_like(red, 256), *planes, *products, *near, *far, *clipped])


def specified_correction(pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    features, by_band = specified(pixels), weights[0].astype(np.int64) + weights[1:]
    y, o, g = np.einsum("hwnm,mhw->nhw", by_band[(features[1] + 512) // 128], features)
    change = np.stack([y + o - g, y + 2 * g, y - o - g])
    return np.clip(pixels + ((change + 2048) >> 12), 0, 255).astype(np.uint8)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, height, width), np.uint8)


def drawn(seed: int, most: int) -> np.ndarray:
    """Return weights that differ in some bands where the seed is odd."""
    random = np.random.default_rng(seed)
    weights = random.integers(-most, most + 1, (1 + BANDS, PLANES, FEATURES)).astype(np.int8)
    weights[1:] *= (seed % 2) * (random.random((BANDS, PLANES, FEATURES)) < 0.3)
    return weights


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 3), (20, 33)])
def test_features_are_those_of_the_specification(size):
    pixels = noise(*size)
    features, planes = np.empty((size[0], FEATURES, size[1]), np.float32), split(pixels)
    for row in range(size[0]):
        find_features(planes, row, features[row])
    assert np.array_equal(features.transpose(1, 0, 2), specified(pixels))


@pytest.mark.parametrize("seed", range(4))
def test_samples_are_corrected_as_specified(seed):
    pixels, weights = noise(13, 17, seed), drawn(seed, 8)
    assert np.array_equal(corrected(pixels, weights), specified_correction(pixels, weights))


def test_the_largest_sums_are_exact():
    """The farthest that features go, with the largest weights: float32 holds all that comes up."""
    pixels = np.zeros((3, 9, 9), np.uint8)
    pixels[:, ::3, ::3] = 255
    pixels[0, 4, 4], pixels[2, 2, 2] = 255, 255
    for sign in (1, -1):
        signs = sign * np.sign(specified(pixels)[:, 3, 3])
        weights = np.stack([(31 + own) * signs[None].repeat(3, axis=0) for own in (0, *range(25, 33))]).astype(np.int8)
        weights[1:] -= weights[0]
        assert np.array_equal(corrected(pixels, weights), specified_correction(pixels, weights))
    most = 256 + 3 * 512 + 6 * 1024 + 3 * (4 * 8 + 2 * 16) * 1020 + 3 * 2 * 24 * 12
    assert LARGEST * most < 1 << 24


def test_weights_of_zero_change_nothing():
    pixels = noise(8, 9)
    assert np.array_equal(corrected(pixels, np.zeros((1 + BANDS, PLANES, FEATURES), np.int8)), pixels)


GRID = Grid(150, 100, 128, 64)
WEIGHTS = [drawn(1, 5), None, drawn(2, 5), drawn(3, 5)]


def in_regions(pixels: np.ndarray) -> np.ndarray:
    """Return a picture as coded, of which each region is corrected alone, as far as it is shown."""
    found = pixels.copy()
    for number, weights in enumerate(WEIGHTS):
        place = GRID.tile(number).common(GRID.shown).within(GRID.picture)
        if weights is not None:
            found[:, *place] = specified_correction(pixels[:, *place], weights)
    return found


def test_regions_are_corrected_each_by_its_weights_and_end_where_the_picture_does():
    pixels = noise(128, 192)
    whole = restore(pixels, GRID.picture, GRID.picture, GRID, WEIGHTS)
    assert np.array_equal(whole, in_regions(pixels))
    assert np.array_equal(whole[:, 100:], pixels[:, 100:])


@pytest.mark.parametrize(
    "box", [Box(0, 0, 64, 64), Box(112, 48, 144, 80), Box(128, 16, 150, 100), Box(16, 96, 32, 128)]
)
def test_a_box_with_what_is_around_it_gives_the_pixels_of_the_whole(box):
    pixels = noise(128, 192)
    around = box.grown(REACH, GRID.picture)
    found = restore(pixels[:, *around.within(GRID.picture)], around, box, GRID, WEIGHTS)
    assert np.array_equal(found[:, *box.within(around)], in_regions(pixels)[:, *box.within(GRID.picture)])
