"""Gains: log-linear between knots, and in full precision whatever precision training asks for."""

import pytest

torch = pytest.importorskip("torch")

from trellic.networks.transforms.conditioning import Gain  # noqa: E402


def gain():
    torch.manual_seed(0)
    made = Gain(4, 5, 1.0)
    with torch.no_grad():
        made.logs += torch.randn_like(made.logs)
    return made


def test_gains_are_log_linear_between_knots():
    made = gain()
    middle = made(torch.full((1, 1, 1, 1), 0.375)).log().flatten()
    assert torch.allclose(middle, made.logs[:, 1:3].mean(dim=1).flatten(), atol=1e-5)


def test_gains_stay_in_single_precision():
    """bfloat16 would be off by a hundredth, and the latents with it."""
    made, quality = gain(), torch.rand(3, 1, 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = made(quality)
    assert coarse.dtype == torch.float32
    assert torch.equal(coarse, made(quality))
