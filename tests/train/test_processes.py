"""Several processes train one model."""

from conftest import in_two_processes
from trellic.train.start import load_run

SHARING = """
import torch
from trellic.train.processes import average_gradients, from_first, rank, start_processes, total
start_processes()
layer = torch.nn.Linear(3, 2)
for number, weight in enumerate(layer.parameters()):
    weight.grad = torch.full_like(weight, 10.0 * number + rank())
average_gradients(layer)
for number, weight in enumerate(layer.parameters()):
    assert bool((weight.grad == 10 * number + 0.5).all()), weight.grad
assert total([1.0, float(rank())]) == [2.0, 1.0]
state = from_first({"weight": torch.full((2,), 7.0)} if rank() == 0 else {})
assert bool((state["weight"] == 7).all())
"""


def test_processes_share_gradients_sums_and_state():
    result = in_two_processes(SHARING)
    assert result.returncode == 0, result.stderr


def test_two_processes_train_one_model(workshop, tmp_path):
    config = workshop.config(tmp_path / "config.toml", batch=4)
    arguments = ("train", "--config", config, "--out", tmp_path / "run", "--cache", tmp_path / "cache")
    result = in_two_processes("from trellic.cli import main; main()", *arguments)
    assert result.returncode == 0, result.stderr
    assert load_run(tmp_path / "run").step == 4
