"""The network of features: its file computes what torch does, in eight bits, and depends on what it should."""

import numpy as np
import pytest
import torch

from machines import MODEL
from trellic.machine.network import DISTANCES, FEATURES, graph_at
from trellic.model.session import Runtime
from trellic.networks.features import FeatureNetwork, MobileBlock, export_features, round_weights


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = FeatureNetwork(torch.rand(2, 12), torch.rand(2, 4), torch.full((112,), 4.0), 4).eval().requires_grad_(False)
    round_weights(made)
    return made


@pytest.fixture(scope="module")
def exported(network):
    return export_features(
        network, MODEL, np.random.default_rng(0).normal(3, 2, (50, 512)).astype(np.float32), {"x": 1}
    )


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_file_computes_what_torch_does(network, exported, distance):
    y, z = torch.randn(12, 16, 20) * 9, torch.randn(4, 4, 5) * 9
    quality = torch.full((1, 1, 1), 0.7)
    (found,) = Runtime(exported, 1).run(graph_at(distance), [y.numpy(), z.numpy(), quality.numpy()])
    wanted = network(y[None], z[None], quality[None], distance)[0]
    assert found.shape == (FEATURES, 8 // distance, 10 // distance)
    assert np.abs(found - wanted.numpy()).max() < 1e-4 * wanted.abs().max()


def test_weights_take_a_byte_each(network, exported):
    weights = sum(value.numel() for value in network.parameters())
    assert len(exported.pack()) < 1.1 * weights


def test_vectors_are_about_the_mean_and_of_one_size(exported):
    vectors = np.random.default_rng(0).normal(3, 2, (50, 512)).astype(np.float32)
    found = (vectors - exported.arrays["centre"]) / exported.arrays["scale"]
    assert np.abs(found.mean(axis=0)).max() < 1e-4
    assert np.allclose(np.square(found).reshape(50, 2, 256).mean(axis=(0, 2)), 1, rtol=1e-3)


def test_macs_are_counted_and_facts_are_kept(exported):
    near, far = (exported.card["macs_per_pixel"][graph_at(distance)] for distance in DISTANCES)
    assert exported.card["x"] == 1
    assert far < near < 4000


def test_qualities_are_made_alike(network):
    y = torch.randn(1, 12, 8, 8)
    z, size = torch.zeros(1, 4, 2, 2), network.y_rms[1].exp()
    low, high = (torch.full((1, 1, 1, 1), quality) for quality in (0.0, 1.0))
    before = network.by_quality.weight.clone()
    network.by_quality.weight.zero_()
    assert torch.allclose(network(y, z, low, 1), network(y * size, z, high, 1), atol=1e-4)
    network.by_quality.weight.copy_(before)


def test_a_block_that_halves_lies_as_in_tensorflow():
    block = MobileBlock(1, 1, 1, 3, 2)
    for weight in block.parameters():
        weight.data.zero_()
    block.depthwise.weight.data[0, 0, 0, 0] = 1
    block.project.weight.data[:] = 1
    values = torch.arange(16.0).view(1, 1, 4, 4) / 3
    assert torch.equal(block(values)[0, 0], values[0, 0, ::2, ::2])
