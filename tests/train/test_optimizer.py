"""Learning rates: by groups of weights, and over the run."""

import pytest
import torch

from trellic.train.config import TrainConfig
from trellic.train.optimizer import optimizer_of, rate_factor, set_rate


def test_weights_move_at_the_rate_of_their_group():
    model = torch.nn.ModuleDict({"stem": torch.nn.Linear(2, 2), "head": torch.nn.Linear(2, 2)})
    model["head"].bias.requires_grad_(False)
    optimizer = optimizer_of(model, TrainConfig((), (), rates={"stem.weight": 0.2, "stem.*": 0.5}))
    set_rate(optimizer, 0.5)
    rates = {name: group["lr"] for group in optimizer.param_groups for name in group["param_names"]}
    assert rates == pytest.approx({"stem.weight": 1e-4, "stem.bias": 2.5e-4, "head.weight": 5e-4})


def test_schedules_begin_and_end_as_they_say():
    assert rate_factor("constant", 0.0, 0, 100) == pytest.approx(0.01)
    assert rate_factor("constant", 0.99, 10_000, 100) == 1.0
    assert rate_factor("cosine", 0.2, 500, 100) == 1.0
    assert rate_factor("cosine", 1.0, 2000, 100) == pytest.approx(0.0)
    assert rate_factor("decay", 0.0, 0, 100) == 1.0
    assert rate_factor("decay", 0.25, 10, 100) == pytest.approx(0.5)
    assert rate_factor("decay", 1.0, 90, 100) == 0.0
