"""Texture: which values a window has counts, and not where they are in it."""

import pytest

torch = pytest.importorskip("torch")

from trellic.train.pleasing.texture import detail, sliced_wasserstein, texture  # noqa: E402


def test_values_moved_within_a_window_are_the_same_texture():
    picture = torch.rand(2, 5, 32, 32)
    turned = picture.reshape(2, 5, 2, 16, 2, 16).flip(3, 5).reshape(picture.shape)
    assert torch.allclose(sliced_wasserstein(picture, turned, 16), torch.zeros(2), atol=1e-6)
    assert (sliced_wasserstein(picture, picture.roll(16, 3) * 1.5, 16) > 0.01).all()


def test_of_one_channel_it_is_the_mean_distance_of_sorted_values():
    one, other = torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 8)
    expected = (one.flatten().sort().values - other.flatten().sort().values).abs().mean()
    assert float(sliced_wasserstein(one, other, 8)) == pytest.approx(float(expected), abs=1e-6)


def test_detail_is_what_a_blur_takes_away():
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    flat = (0.01 * x + 0.02 * y)[None, None]
    assert detail(flat)[..., 1:-1, 1:-1].abs().max() < 1e-4
    checks = ((x + y) % 2)[None, None]
    assert detail(checks).abs().mean() > 10


def test_a_blurred_picture_has_another_texture(features):
    picture = torch.rand(2, 3, 64, 64)
    blurred = torch.nn.functional.avg_pool2d(picture, 3, stride=1, padding=1)
    same = texture(picture, picture, features(picture), features(picture))
    assert torch.allclose(same, torch.zeros(2))
    assert (texture(blurred, picture, features(blurred), features(picture)) > 1).all()
