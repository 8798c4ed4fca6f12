"""The golden model with a network of features."""

import pytest

from machines import install, random_networks
from trellic.codec import Codec
from trellic.machine.features import FeatureReader


@pytest.fixture
def models(monkeypatch, tmp_path):
    """A folder with the golden model and its network of features."""
    install(tmp_path / "models", random_networks())
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def reader(models):
    """What reads features of the golden model's streams."""
    return FeatureReader(Codec("golden", threads=1))
