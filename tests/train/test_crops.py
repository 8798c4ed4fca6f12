"""Batches are drawn by the mix: qualities, graphics, grey and reduced photographs."""

import numpy as np
import pytest
import torch

from conftest import textured
from trellic.errors import NoPictures
from trellic.train.config import Mix
from trellic.train.crops import HIGH_QUALITY, LOW_QUALITY, Crops
from trellic.train.data import PixelStore

CPU = torch.device("cpu")


class Store(PixelStore):
    """Pictures at hand."""

    def __init__(self, *pictures):
        self.pictures = list(pictures)
        self.qualities = [None] * len(pictures)


PHOTOGRAPH = textured(100, 120)
BLUE = np.full((90, 90, 3), (0, 0, 255), np.uint8)


def drawn(mix, count=64, graphics=None, seed=1):
    return Crops(Store(PHOTOGRAPH), graphics, mix, 64, seed).draw(count, CPU)


def test_a_seed_draws_the_same_batches():
    first, second, other = (drawn(Mix(shrink=0.6), seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_high_qualities_are_as_rare_as_the_mix_says():
    _, usual = drawn(Mix(), count=4000)
    _, rare = drawn(Mix(high_qualities=0.5), count=4000)
    assert float((usual > HIGH_QUALITY).float().mean()) == pytest.approx(0.35, abs=0.03)
    assert float((rare > HIGH_QUALITY).float().mean()) == pytest.approx(0.175, abs=0.03)


def test_low_qualities_are_as_frequent_as_the_mix_says():
    _, frequent = drawn(Mix(low_qualities=0.5), count=4000)
    assert float((frequent < LOW_QUALITY).float().mean()) == pytest.approx(0.5 + 0.5 * 0.3, abs=0.03)


def test_graphics_and_grey_pictures_come_as_often_as_the_mix_says():
    pictures, _ = drawn(Mix(graphics=0.25, grey=0.5), count=400, graphics=Store(BLUE))
    blue = (pictures[:, 2] == 1).flatten(1).all(dim=1) & (pictures[:, 0] == 0).flatten(1).all(dim=1)
    grey = (pictures[:, 0] == pictures[:, 2]).flatten(1).all(dim=1)
    assert float(blue.float().mean()) == pytest.approx(0.25, abs=0.08)
    assert float(grey[~blue].float().mean()) == pytest.approx(0.5, abs=0.1)


def test_reduced_crops_show_more_of_a_picture():
    """Reduction averages the noise away."""
    texture = [float((p[..., 1:] - p[..., :-1]).abs().mean()) for p in (drawn(Mix())[0], drawn(Mix(shrink=0.6))[0])]
    assert texture[1] < 0.98 * texture[0]


def test_pictures_smaller_than_a_crop_are_refused():
    with pytest.raises(NoPictures):
        Crops(Store(PHOTOGRAPH), None, Mix(), 128, 1)


def test_batches_cut_ahead_are_the_same(monkeypatch):
    """Where the device computes on its own, the next batch is cut meanwhile: the same one."""
    monkeypatch.setattr("trellic.train.crops.to_device", lambda patches, device: torch.from_numpy(np.stack(patches)))
    meta, crops, ahead = torch.device("meta"), *(Crops(Store(PHOTOGRAPH), None, Mix(), 64, 1) for _ in range(2))
    for count in (4, 4, 3):
        pictures, qualities = ahead.draw(count, meta)
        assert torch.equal(pictures, crops.draw(4, CPU)[0][:count])
        assert len(qualities) == count
