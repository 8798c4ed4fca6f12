"""A checkpoint is all that a run needs to go on: weights, average and the optimizer's moments."""

import pytest
import torch

from trellic.errors import BadConfig
from trellic.train.checkpoint import Average, read_state, restore, save
from trellic.train.optimizer import adam


def steps(model, average, optimizer, count, start=0):
    for number in range(start, start + count):
        loss = model(torch.full((3, 2), float(number))).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update(model, number)


def fresh(rates):
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 2)
    return model, Average(model, 10), adam(model, 1e-2, rates)


@pytest.mark.parametrize("rates", [{}, {"*bias": 1.0, "*": 1.0}])
def test_a_run_that_goes_on_is_the_run_that_never_stopped(tmp_path, rates):
    """Even where the optimizer's groups have changed: moments go by name."""
    whole = fresh({})
    steps(*whole, 6)
    half = fresh({})
    steps(*half, 3)
    save(tmp_path, *half, {"step": 3})
    again = fresh(rates)
    state = read_state(tmp_path)
    restore(state, *again)
    steps(*again, 3, start=state["step"])
    for ours, theirs in ((again[0], whole[0]), (again[1].model, whole[1].model)):
        for name, weight in ours.state_dict().items():
            assert torch.equal(weight, theirs.state_dict()[name])


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"nonsense")
    with pytest.raises(BadConfig, match="not a training run"):
        read_state(tmp_path)
