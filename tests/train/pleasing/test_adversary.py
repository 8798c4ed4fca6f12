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


def test_every_sample_is_seen_as_often_as_its_neighbours():
    """Else gradients have a pattern of their own, which a synthesis learns."""
    torch.manual_seed(0)
    seen = torch.zeros(16)
    for _ in range(8):
        adversary = Adversary(torch.device("cpu"), 1e-3)
        picture = torch.full((1, 3, 192, 192), 0.5, requires_grad=True)
        adversary.loss(picture, picture.detach(), torch.zeros(1, 1, 1, 1)).sum().backward()
        rows = picture.grad.square().sum(dim=(0, 1, 3))[48:144]
        seen += rows.view(-1, 16).sum(dim=0) / rows.sum()
    assert seen.max() / seen.min() < 2


def test_it_goes_on_from_its_state():
    torch.manual_seed(0)
    one, other = (Adversary(torch.device("cpu"), 1e-3) for _ in range(2))
    batches = [pair() for _ in range(4)]
    for real, faithful, quality in batches[:2]:
        one.learn(real, faithful, faithful, quality)
    other.restore(copy.deepcopy(one.state()))
    for real, faithful, quality in batches[2:]:
        assert one.learn(real, faithful, faithful, quality) == other.learn(real, faithful, faithful, quality)
