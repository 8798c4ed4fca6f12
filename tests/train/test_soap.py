"""SOAP turns gradients into the eigenbases of their covariances; processes share out that work and its moments."""

import pytest
import torch

from together import in_two_processes
from trellic.train.soap import Soap, sides_of

BETAS = (0.9, 0.98)


def steps_of(kind, count):
    """The last steps of an optimizer whose gradients are 100 times as large along one turned axis as along another."""
    generator = torch.Generator().manual_seed(3)
    turn = torch.linalg.qr(torch.randn(32, 32, generator=generator)).Q
    scales = torch.logspace(0, -2, 32)[:, None]
    weight = torch.nn.Parameter(torch.zeros(32, 64, 1, 1))
    optimizer = kind([{"params": [("weight", weight)]}])
    steps = []
    for _ in range(count):
        before = weight.detach().clone()
        gradient = turn @ (scales * torch.randn(32, 64, generator=generator))
        weight.grad = gradient.view(weight.shape)
        optimizer.step()
        steps.append(turn.T @ (weight.detach() - before).view(32, 64))
    return torch.stack(steps[-50:])


def soap(groups):
    return Soap(groups, 0.01, BETAS, torch.float32)


def adam(groups):
    return torch.optim.Adam(groups, lr=0.01, betas=BETAS)


def test_steps_are_as_large_along_flat_axes_as_along_steep_ones():
    sizes = [steps_of(kind, 400).square().mean(dim=(0, 2)).sqrt() for kind in (soap, adam)]
    assert sizes[0].max() < 3 * sizes[0].min()
    assert sizes[1].max() > 10 * sizes[1].min()


def test_it_is_adam_until_covariances_are_seen():
    assert torch.allclose(steps_of(soap, 60), steps_of(adam, 60), atol=1e-6)


def test_moments_turn_with_their_bases():
    """The mean, turned back, is the mean of the gradients as they came, whatever bases lie between."""
    torch.manual_seed(2)
    weight = torch.nn.Parameter(torch.zeros(40, 48))
    optimizer = soap([{"params": [("weight", weight)]}])
    mean = torch.zeros(40, 48)
    scales = torch.logspace(0, -2, 48)
    for _ in range(320):
        weight.grad = torch.randn(40, 48) * scales
        mean.lerp_(weight.grad, 1 - BETAS[0])
        optimizer.step()
    moments = optimizer.state[weight]
    assert {"basis_0", "basis_1"} < moments.keys()
    back = moments["basis_0"] @ moments["exp_avg"] @ moments["basis_1"].T
    assert torch.allclose(back, mean, atol=1e-5)


def test_bases_are_found_where_most_inputs_are_silent():
    """Such covariances of tiny gradients have eigenvalues that are one in single precision."""
    torch.manual_seed(0)
    for _ in range(5):
        weight, live = torch.nn.Parameter(torch.zeros(96, 192)), torch.randperm(96)[:28]
        optimizer = soap([{"params": [("weight", weight)]}])
        for _ in range(100):
            weight.grad = torch.zeros(96, 192)
            weight.grad[live] = torch.randn(28, 192) * torch.logspace(-6.5, -22, 28)[:, None]
            optimizer.step()
        assert "basis_0" in optimizer.state[weight]
        assert weight.isfinite().all()


@pytest.mark.parametrize(
    ("shape", "sides"),
    [((64, 32, 1, 1), (64, 32)), ((192, 3, 12, 12), (192, 432)), ((384, 1, 3, 3), None), ((64,), None)],
)
def test_matrices_are_told_from_other_weights(shape, sides):
    assert sides_of(torch.zeros(shape)) == sides


SHARED = """
import torch, sys
from pathlib import Path
from trellic.train import soap
from trellic.train.checkpoint import Average, restore, save, save_part, state_for_all
from trellic.train.processes import rank, start_processes

soap.COVARIANCES_EVERY, soap.BASES_EVERY, soap.FIRST_BASES = 1, 10, 10

def fresh():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(40, 48), torch.nn.Linear(48, 32), torch.nn.Linear(32, 64))
    groups = [{"params": list(model.named_parameters())}]
    return model, Average(model, 10), soap.Soap(groups, 1e-2, (0.9, 0.98), torch.float32)

def go(model, average, optimizer, steps):
    for step in steps:
        optimizer.zero_grad()
        torch.manual_seed(step)
        model(torch.randn(16, 40)).square().mean().backward()
        optimizer.step()

start_processes()
folder = Path(sys.argv[1])
whole, half, again = fresh(), fresh(), fresh()
go(*whole, range(24))
go(*half, range(13))
save(folder, *half, {}) if rank() == 0 else save_part(folder, half[2])
torch.distributed.barrier()
restore(state_for_all(folder), *again)
go(*again, range(13, 24))
own = [weight for weight in again[2].groups if again[2].holds(weight)]
assert 0 < len(own) < 3 and all("basis_0" in again[2].state[weight] for weight in own)
for ours, theirs in zip(again[0].parameters(), whole[0].parameters(), strict=True):
    assert torch.equal(ours, theirs)
weights = torch.cat([weight.detach().flatten() for weight in whole[0].parameters()])
first = weights.clone()
torch.distributed.broadcast(first, 0)
assert torch.equal(first, weights)
torch.distributed.barrier()
"""


def test_processes_share_out_matrices_and_each_keeps_the_moments_of_its_own(tmp_path):
    """Both have the same weights at every step, and a run that goes on is the run that never stopped."""
    result = in_two_processes(SHARED, tmp_path)
    assert result.returncode == 0, result.stderr
