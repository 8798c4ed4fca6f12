"""The adversary learns to know real pictures from made ones, and what it says has gradients for the picture alone."""

import copy

import pytest

torch = pytest.importorskip("torch")

from trellic.train.pleasing.adversary import Adversary  # noqa: E402


def pair():
    real = torch.rand(4, 3, 64, 64)
    faithful = torch.nn.functional.avg_pool2d(real, 5, stride=1, padding=2)
    return real, faithful, torch.rand(4, 1, 1, 1)


def test_it_learns_what_is_real():
    torch.manual_seed(0)
    adversary = Adversary(torch.device("cpu"), 2e-3)
    for _ in range(30):
        real, faithful, quality = pair()
        loss = adversary.learn(real, faithful, faithful, quality)
    assert loss < 1
    real, faithful, quality = pair()
    assert (adversary.loss(real, faithful, quality) < adversary.loss(faithful, faithful, quality)).all()


def test_its_weights_get_no_gradient_from_a_picture():
    adversary = Adversary(torch.device("cpu"), 1e-3)
    real, faithful, quality = pair()
    real.requires_grad_()
    adversary.loss(real, faithful, quality).sum().backward()
    assert real.grad.abs().max() > 0
    assert all(weight.grad is None and weight.requires_grad for weight in adversary.network.parameters())


def test_it_goes_on_from_its_state():
    torch.manual_seed(0)
    one, other = (Adversary(torch.device("cpu"), 1e-3) for _ in range(2))
    batches = [pair() for _ in range(4)]
    for real, faithful, quality in batches[:2]:
        one.learn(real, faithful, faithful, quality)
    other.restore(copy.deepcopy(one.state()))
    for real, faithful, quality in batches[2:]:
        assert one.learn(real, faithful, faithful, quality) == other.learn(real, faithful, faithful, quality)
