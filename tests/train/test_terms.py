"""The loss: its terms, and the cap that keeps noise from drowning photographs."""

import pytest
import torch

from trellic.networks.transforms.conditioning import lambda_of
from trellic.train.terms import LARGEST_COST, CodedBatch, loss_of, loss_weight


def batch(error, bits, quality=0.5, scale=1.0):
    pictures = torch.full((1, 3, 8, 8), 0.5)
    return CodedBatch(pictures, torch.tensor([quality]), bits, pictures + error, scale)


def test_terms_are_bits_a_pixel_and_weighted_squared_error():
    one = batch(2 / 255, torch.tensor([32.0]))
    weight = float(lambda_of(torch.tensor(0.5)))
    assert float(loss_of(one, ("rate",))) == pytest.approx(0.5)
    assert float(loss_of(one, ("distortion",))) == pytest.approx(4 * weight)
    assert float(loss_of(one, ("rate", "distortion"))) == pytest.approx(0.5 + 4 * weight)
    assert float(loss_of(one._replace(lambda_scale=0.7), ("distortion",))) == pytest.approx(2.8 * weight)
    assert float(loss_weight(torch.tensor([0.9]))) < 1 < float(loss_weight(torch.tensor([0.1])))


def test_latents_that_stray_cost_what_such_an_error_costs_in_bits():
    strayed = batch(0.0, None)._replace(strayed=torch.tensor([64 * 0.1]))
    two, half = (2.0 ** (-2 * rate) / 12 for rate in (2.0, 2.001))
    assert float(loss_of(strayed, ("near",))) == pytest.approx(0.1 * 6 / 0.6931, rel=1e-3)
    assert (two - half) * 2**4 * 6 / 0.6931 == pytest.approx(0.001, rel=0.01)  # a bit less, that much more error


def test_a_picture_of_noise_counts_no_more_than_the_cap():
    bits = torch.tensor([6400.0], requires_grad=True)
    loss = loss_of(batch(0.0, bits), ("rate",))
    assert float(loss.detach()) == pytest.approx(LARGEST_COST)
    loss.backward()
    assert 0 < float(bits.grad) < 1 / 64
