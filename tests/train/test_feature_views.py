"""Views of pictures: made once, what the teacher saw beside the latents of the same pixels."""

import numpy as np
import pytest
import torch

from conftest import textured
from machines import MODEL
from trellic.codec.deployed import DeployedQuantizer
from trellic.errors import NoPictures
from trellic.machine.latents import base_of_pixels
from trellic.model import Sessions
from trellic.quantize import quantizer_named
from trellic.train.feature_views import Looking, Views
from trellic.train.features import log_rms
from trellic.train.teacher import Seen

UNIFORM = quantizer_named("uniform")


def teacher(pictures):
    """Stands for the teacher: means of pixels, in as many channels."""
    small = torch.nn.functional.avg_pool2d(pictures, 16)
    end = torch.nn.functional.avg_pool2d(pictures, 32).repeat(1, 427, 1, 1)[:, :1280]
    return Seen(small.repeat(1, 38, 1, 1)[:, :112], end + torch.linspace(0, 1, 1280).view(1, -1, 1, 1))


def looking(*pictures, seed=3):
    made = Looking(MODEL, UNIFORM, teacher, list(pictures), seed)
    made.whitening = np.zeros(1280, np.float32), np.eye(256, 1280, dtype=np.float32)
    return made


def test_views_are_made_once_and_are_the_same_for_a_seed(tmp_path):
    picture, said = textured(300, 400), []
    one = Views.make(tmp_path / "a", 3, looking(picture), 1, said.append)
    other = Views.make(tmp_path / "b", 3, looking(picture), 1, said.append)
    again = Views.make(tmp_path / "a", 3, looking(seed=4), 1, said.append)
    for name in ("y", "z", "quality", "middle", "end"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
        assert np.array_equal(getattr(one, name), getattr(again, name))
    assert one.end.shape == (3, 256, 8, 8)


def test_latents_are_those_of_what_the_teacher_saw(monkeypatch):
    pixels = textured(512, 512)
    monkeypatch.setattr(Looking, "_pixels", lambda self, side: pixels)
    view = looking(pixels).view(2)
    deployed = DeployedQuantizer.of(MODEL, UNIFORM)
    latents = base_of_pixels(Sessions(MODEL, 1), pixels, round(float(view["quality"]) * 25600), deployed)
    assert np.array_equal(view["y"], latents.y.astype(np.float16))
    means = pixels.reshape(16, 32, 16, 32, 3).mean(axis=(1, 3))[::1, ::1, 0] / 255
    wanted = means.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    assert np.abs(view["end"][0] - wanted).max() < 0.02


def test_whitened_features_have_unit_variance_apart_from_each_other():
    made = looking(textured(300, 300))
    random = np.random.default_rng(0)
    mixed = random.normal(0, 1, (1280, 16)) * 2.0 ** np.arange(16)

    def noise(pictures):
        ends = mixed @ random.normal(0, 1, (16, 64)) + 2
        return Seen(torch.zeros(1, 112, 16, 16), torch.from_numpy(ends.astype(np.float32)).view(1, 1280, 8, 8))

    made.teacher = noise
    mean, matrix = made.whiten(12, 8)
    fresh = matrix @ (mixed @ random.normal(0, 1, (16, 4000)) + 2 - mean[:, None])
    assert np.abs(np.cov(fresh) - np.eye(8)).max() < 0.35


def test_small_pictures_are_one_clear_error():
    with pytest.raises(NoPictures):
        looking(textured(200, 300)).view(1)


def test_levels_are_the_rms_at_each_quality():
    random = np.random.default_rng(0)
    quality = random.random(400).astype(np.float32)
    sizes = np.exp(np.outer(np.ones(400), [1.0, -2.0]) + np.outer(quality, [0.5, 3.0]))
    latents = random.normal(0, 1, (400, 2, 8, 8)) * sizes[..., None, None]
    assert np.abs(log_rms(latents, quality) - [[1, -2], [0.5, 3]]).max() < 0.15
