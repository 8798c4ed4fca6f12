"""Features that need no trained network."""

import pytest

torch = pytest.importorskip("torch")


@pytest.fixture
def features():
    """Features of random convolutions, at the strides of EfficientNet-Lite0's."""
    from trellic.train.pleasing.features import Features

    torch.manual_seed(0)
    shapes = ((3, 8, 2), (8, 8, 1), (8, 12, 2), (12, 16, 2))
    return Features([torch.nn.Conv2d(*shape[:2], 3, stride=shape[2], padding=1) for shape in shapes])


@pytest.fixture
def without_lite0(features, monkeypatch):
    """The stage "pleasing" with those features."""
    monkeypatch.setattr("trellic.train.pleasing.training.lite0", lambda: features)
