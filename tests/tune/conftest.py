"""Fixtures of tuning: a tiny model that nobody trained, and pictures in memory."""

import pytest

from conftest import textured

torch = pytest.importorskip("torch")

from trellic.model import Model  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.design import Design  # noqa: E402
from trellic.networks.export import export  # noqa: E402
from trellic.picture.types import Picture  # noqa: E402

TINY = {
    "latents": 12,
    "transform": {"fine": [1, 1, 16], "coarse": [1, 1, 16]},
    "prior": {"groups": [4, 8], "z": 8, "features": 16},
}


@pytest.fixture(scope="session")
def model() -> Model:
    """A tiny model: classical transforms fitted to a picture, and networks as they begin."""
    torch.manual_seed(0)
    codec = TrainableCodec(Design.from_json(TINY))
    pixels = torch.from_numpy(textured(128, 128)).permute(2, 0, 1)[None].float() / 255
    codec.family.fit_to(pixels, codec.analysis, codec.synthesis)
    return export(codec, {"summary": "tiny"})


@pytest.fixture(scope="session")
def pictures() -> list[Picture]:
    """Two pictures of 128 pixels a side."""
    return [Picture(textured(128, 128, seed)) for seed in range(2)]
