"""Surrogates: noise one unit wide, rounding that passes gradients, and bits that are those of the coder's tables."""

import math

import pytest

torch = pytest.importorskip("torch")

from trellic.entropy.tables import SCALES, gaussian_tables, scale_of  # noqa: E402
from trellic.model.schedule import ALL, ANCHORS, Code  # noqa: E402
from trellic.networks.priors.base import Gaussian  # noqa: E402
from trellic.networks.surrogates import NoisyRounding, Rounding, interval_bits, level_bits, round_through  # noqa: E402


def planes(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, 1, 1, -1)


def test_rounding_is_about_the_mean_and_has_the_gradient_of_the_identity():
    values, mean = planes(0.4, 1.6, -2.2).requires_grad_(), planes(0.25, 0.25, 0.0)
    rounded = round_through(values, mean)
    assert rounded.flatten().tolist() == pytest.approx([0.25, 1.25, -2.0])
    rounded.sum().backward()
    assert values.grad.flatten().tolist() == [1, 1, 1]


@pytest.mark.parametrize(("drawn", "shift"), [(torch.zeros_like, -0.5), (torch.ones_like, 0.5)])
def test_noise_reaches_half_a_unit_either_way(monkeypatch, drawn, shift):
    monkeypatch.setattr(torch, "rand_like", drawn)
    target, gaussian = planes(3.0, -1.0), Gaussian(planes(1.0, 0.0), planes(0.3, 0.9))
    decoded, bits = NoisyRounding()(Code("y", 0, 1, ALL, "mean", "log_scale"), target, gaussian)
    assert torch.equal(decoded, target)
    assert torch.allclose(bits, interval_bits(planes(2.0 + shift, -1.0 + shift), gaussian.log_scale))


def test_a_pass_is_zero_outside_its_mask():
    target, gaussian = torch.full((1, 2, 4, 4), 3.0), Gaussian(torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4))
    inside = (torch.arange(4)[:, None] + torch.arange(4)) % 2 == 0
    for coder in (NoisyRounding(), Rounding()):
        for values in coder(Code("y", 0, 2, ANCHORS, "mean", "log_scale"), target, gaussian):
            assert (values[..., inside] > 0).all()
            assert (values[..., ~inside] == 0).all()


@pytest.mark.parametrize("level_set", [0, 1])
@pytest.mark.parametrize("scale_index", [12, 25, 40])
def test_bits_of_levels_are_those_of_the_coders_tables(level_set, scale_index):
    tables, reach = gaussian_tables(sets=2), max(1, math.floor(2.5 * scale_of(scale_index)))
    indices = torch.arange(-reach, reach + 1)
    table = scale_index + SCALES * level_set
    middle = int(tables.start[table] + tables.radius[table])
    wanted = torch.from_numpy(tables.bits[middle - reach : middle + reach + 1])
    levels = torch.sign(indices) * (indices.abs() - 0.5 * level_set)
    scales = torch.full((len(indices),), math.log(scale_of(scale_index)))
    found = level_bits(levels, indices, torch.full_like(indices, level_set), torch.ones(len(indices)), scales)
    assert torch.allclose(found, wanted, atol=0.1)
