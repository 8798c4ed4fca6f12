"""Features of a model without training: what is kept of what the network sees, and pictures that are too few."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from machines import MODEL, install, random_networks, textures  # noqa: E402
from trellic.codec import Codec  # noqa: E402
from trellic.errors import NoPictures  # noqa: E402
from trellic.machine.features import FeatureReader  # noqa: E402
from trellic.machine.network import SUFFIX  # noqa: E402
from trellic.networks.features import Lite0  # noqa: E402
from trellic.picture.types import Picture  # noqa: E402
from trellic.train.fit_features import FEWEST, fit_features, projection_of  # noqa: E402


@pytest.fixture
def models(monkeypatch, tmp_path):
    install(tmp_path / "models", random_networks())
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def pictures(count):
    return [Picture(textures(96, number % 4, number)) for number in range(count)]


def test_components_are_apart_and_of_unit_variance():
    random = np.random.default_rng(0)
    mixed = random.normal(0, 1, (1280, 600)) / np.sqrt(np.arange(1, 601))
    ends = [(mixed @ random.normal(0, 1, (600, 900)) + 2).astype(np.float32) for _ in range(3)]
    mean, matrix = projection_of(ends)
    covariance = np.cov(matrix @ (np.concatenate(ends, axis=1) - mean[:, None]))
    assert np.abs(covariance - np.eye(512)).max() < 0.01


def test_vectors_are_about_the_mean_of_the_pictures_they_were_fitted_on(models):
    torch.manual_seed(0)
    codec, seer = Codec("golden", 1, "uniform"), Lite0().requires_grad_(False)
    for weight in seer.parameters():
        weight *= 2.4 if weight.ndim > 1 else 0  # what is seen is then of about one size in all layers
    made = fit_features(codec, seer, pictures(4), pictures(FEWEST), lambda line: None)
    (models / f"{MODEL.name}{SUFFIX}").write_bytes(made.pack())
    reader = FeatureReader(codec)
    vectors = np.array([reader.read(codec.encode(one.pixels, 50)).vector for one in pictures(FEWEST)])
    assert made.card["pictures"] == FEWEST
    assert np.linalg.norm(vectors.mean(axis=0)) < 0.5 * np.linalg.norm(vectors, axis=1).mean()


def test_too_few_pictures_are_one_clear_error(models):
    with pytest.raises(NoPictures, match="features need"):
        fit_features(Codec("golden", 1, "uniform"), Lite0(), pictures(3), pictures(3), lambda line: None)
