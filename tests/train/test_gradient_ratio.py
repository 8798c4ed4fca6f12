"""Gradients through the quantizer are to each other as rate and distortion really change, on the shipped model."""

import pytest

torch = pytest.importorskip("torch")

from trellic.codec.deployed import DeployedQuantizer  # noqa: E402
from trellic.model import Model, find_model  # noqa: E402
from trellic.networks.load import load  # noqa: E402
from trellic.quantize import quantizer_named  # noqa: E402
from trellic.train.gradient_ratio import GradientProbe  # noqa: E402
from trellic.train.training import DeployedModel  # noqa: E402


@pytest.fixture(scope="module")
def shipped():
    model = Model.read(find_model("base"))
    return model, load(model)


@pytest.mark.parametrize("name", ["uniform", "rdoq", "tcq8", "tcq256"])
def test_gradients_weigh_rate_and_distortion_as_the_quantizer_does(shipped, photograph, name):
    """Straight through, an error that the search leaves on purpose asks for larger latents: rates would only rise.

    Most of all where scales are small, so that the ratio is held there, and where they are not, apart.
    """
    model, codec = shipped
    deployed = DeployedQuantizer.of(model, quantizer_named(name))
    pictures = torch.from_numpy(photograph.pixels[:384, :384].copy()).permute(2, 0, 1)[None].float() / 255
    probe = GradientProbe(DeployedModel(codec, deployed, model.weights), pictures, quality=0.5)
    assert probe.between(0, 1000).ratio == pytest.approx(1, abs=0.25)
    assert 0.7 < probe.between(0, 0.3).ratio < 1.5
    assert 0.7 < probe.between(0.3, 1000).ratio < 1.5
