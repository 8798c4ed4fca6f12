"""Invisible pixels cost next to nothing, and visible ones stay as they are."""

import numpy as np
import pytest

from conftest import textured
from trellic.picture.fill import BLOCK, FilledStrips, fill, filled
from trellic.picture.types import Picture


@pytest.fixture
def half_hidden() -> Picture:
    """A picture with noise under the invisible half of a disc's mask."""
    pixels = textured(300, 200)
    y, x = np.mgrid[0:300, 0:200]
    hidden = (y - 150) ** 2 + (x - 100) ** 2 > 80**2
    pixels[hidden] = np.random.default_rng(1).integers(0, 256, (int(hidden.sum()), 3))
    return Picture(pixels, alpha=np.where(hidden, 0, 255).astype(np.uint8))


def roughness(pixels: np.ndarray) -> float:
    return float(np.abs(np.diff(pixels.astype(int), axis=1)).mean())


def test_visible_pixels_stay_and_invisible_ones_become_smooth(half_hidden):
    found = fill(half_hidden.pixels, half_hidden.alpha)
    seen = half_hidden.alpha > 0
    assert np.array_equal(found[seen], half_hidden.pixels[seen])
    assert roughness(np.where(seen[:, :, None], 0, found)) < 0.1 * roughness(half_hidden.pixels)


def test_the_filled_picture_takes_a_fraction_of_the_bytes(codec, half_hidden):
    shown = len(codec.encode_picture(half_hidden, quality_50()).data)
    as_noise = len(codec.encode_picture(Picture(half_hidden.pixels), quality_50()).data)
    assert shown < 0.4 * as_noise


def quality_50():
    from trellic.codec import Target

    return Target(50)


def test_what_is_invisible_or_visible_throughout_is_no_work():
    pixels = textured(20, 30)
    assert fill(pixels, np.full((20, 30), 1, np.uint8)) is pixels
    assert len(np.unique(fill(pixels, np.zeros((20, 30), np.uint8)))) == 1


def test_colours_under_alpha_zero_make_no_coloured_picture():
    grey = np.repeat(textured(40, 40)[:, :, :1], 3, axis=2)
    alpha = np.full((40, 40), 255, np.uint8)
    grey[:10, :10], alpha[:10, :10] = (255, 0, 0), 0
    assert filled(Picture(grey, alpha=alpha)).grey


def test_strips_are_filled_alike_whatever_rows_are_asked_for(half_hidden):
    class Strips:
        width, height, grey, metadata = 200, 300, False, half_hidden.metadata
        rows = staticmethod(half_hidden.rows)

    whole, alpha = FilledStrips(Strips()).rows(0, 300)
    assert np.array_equal(alpha, half_hidden.alpha)
    source = FilledStrips(Strips())
    for top, bottom in ((0, 64), (16, 130), (BLOCK - 1, BLOCK + 1), (200, 300), (0, 10)):
        assert np.array_equal(source.rows(top, bottom)[0], whole[top:bottom])
    assert roughness(whole) < 0.3 * roughness(half_hidden.pixels)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (3, 2)])
def test_pictures_of_any_size_are_filled(size):
    pixels, alpha = textured(*size), np.zeros(size, np.uint8)
    alpha[0, 0] = 9
    assert (fill(pixels, alpha) == pixels[0, 0]).all()
