"""What channels and blocks carry, on pictures."""

import pytest

torch = pytest.importorskip("torch")

from adapters import GOLDEN  # noqa: E402
from trellic.networks.load import load  # noqa: E402
from trellic.networks.worth import Worth  # noqa: E402

PICTURES = torch.rand(1, 3, 64, 64)


def test_a_channel_that_nothing_is_made_of_is_worth_nothing():
    codec = load(GOLDEN).eval()
    with torch.no_grad():
        codec.synthesis.coarse[0].branch[4].weight[:, 3] = 0
        codec.analysis.coarse[0].branch[4].weight.zero_()
        codec.analysis.coarse[0].branch[4].bias.zero_()
    worth = Worth(codec, PICTURES)
    assert worth.channels["synthesis.coarse.0.branch.4"].argmin() == 3
    assert worth.channels["synthesis.coarse.0.branch.4"][3] == 0
    assert worth.blocks["analysis.coarse.0"] == 0 < worth.blocks["synthesis.coarse.0"]
    assert worth.energy.shape == (12,)
