"""What channels and blocks carry, on pictures."""

import pytest

torch = pytest.importorskip("torch")

from adapters import GOLDEN  # noqa: E402
from trellic.networks.importance import Importance  # noqa: E402
from trellic.networks.load import load  # noqa: E402

PICTURES = torch.rand(1, 3, 64, 64)


def test_a_channel_that_nothing_is_made_of_is_worth_nothing():
    codec = load(GOLDEN).eval()
    with torch.no_grad():
        codec.synthesis.coarse[0].branch[4].weight[:, 3] = 0
        codec.analysis.coarse[0].branch[4].weight.zero_()
        codec.analysis.coarse[0].branch[4].bias.zero_()
    importance = Importance(codec, PICTURES)
    assert importance.channels["synthesis.coarse.0.branch.4"].argmin() == 3
    assert importance.channels["synthesis.coarse.0.branch.4"][3] == 0
    assert importance.blocks["analysis.coarse.0"] == 0 < importance.blocks["synthesis.coarse.0"]
    assert importance.energy.shape == (12,)
