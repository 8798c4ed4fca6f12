"""Synthetic graphics follow from their seeds, and are of many kinds."""

import numpy as np

from trellic.train.graphics import draw


def test_a_seed_draws_the_same_picture():
    assert np.array_equal(draw(5, 96), draw(5, 96))
    assert not np.array_equal(draw(5, 96), draw(6, 96))


def test_graphics_have_flat_colour_and_hard_edges():
    pictures = [draw(seed, 96) for seed in range(40)]
    assert all(picture.shape == (96, 96, 3) and picture.dtype == np.uint8 for picture in pictures)
    steps = np.abs(np.diff(np.stack(pictures).astype(int), axis=2)).max(axis=3)
    assert (steps == 0).mean() > 0.6
    assert (steps > 100).mean() > 0.01
    grey = [bool((picture[..., 0] == picture[..., 2]).all()) for picture in pictures]
    assert 0 < sum(grey) < 25
