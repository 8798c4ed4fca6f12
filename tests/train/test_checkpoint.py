"""A checkpoint is all that a run needs to go on: weights, average and the optimizer's moments."""

import pytest
import torch

from trellic.errors import BadConfig
from trellic.train.checkpoint import Average, read_state, restore, save
from trellic.train.config import TrainConfig
from trellic.train.optimizer import optimizer_of
from trellic.train.soap import Soap


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
    return model, Average(model, 10), optimizer_of(model, TrainConfig((), (), learning_rate=1e-2, rates=rates))


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


def test_soap_goes_on_with_adams_moments_and_adam_not_with_those_in_a_basis(tmp_path):
    model = torch.nn.Linear(32, 32)
    average, adam = Average(model, 10), torch.optim.Adam([{"params": list(model.named_parameters())}])
    soap = Soap([{"params": list(model.named_parameters())}], 1e-3, (0.9, 0.98), torch.float32)
    model(torch.ones(1, 32)).sum().backward()
    adam.step()
    save(tmp_path, model, average, adam, {})
    restore(read_state(tmp_path), model, average, soap)
    assert torch.equal(soap.state[model.weight]["exp_avg"], adam.state[model.weight]["exp_avg"])
    for _ in range(5):
        soap.step()
    save(tmp_path, model, average, soap, {})
    restored = torch.optim.Adam([{"params": list(model.named_parameters())}])
    restore(read_state(tmp_path), model, average, restored)
    assert set(restored.state) == {model.bias}
