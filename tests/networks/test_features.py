"""The network of features: its file computes what torch does, in eight bits."""

import numpy as np
import pytest
import torch

from machines import MODEL, golden_preview
from trellic.machine.network import FEATURES, GRAPH
from trellic.model.session import Runtime
from trellic.networks.features import FeatureNetwork, Lite0, MobileBlock, Projection, export_features, round_weights

CENTRE = np.arange(FEATURES, dtype=np.float32)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    matrix = random.normal(0, 1, (FEATURES, 1280)).astype(np.float32)
    made = FeatureNetwork(Lite0(), Projection(random.random(1280).astype(np.float32), matrix))
    made = made.eval().requires_grad_(False)
    round_weights(made)
    return made


@pytest.fixture(scope="module")
def exported(network):
    return export_features(network, MODEL, golden_preview(), CENTRE, {"x": 1})


def test_the_file_computes_what_torch_does(network, exported):
    samples = torch.rand(3, 96, 160) * 255
    (found,) = Runtime(exported, 1).run(GRAPH, [samples.numpy()])
    wanted = network(samples[None])[0]
    assert found.shape == (FEATURES, 3, 5)
    assert np.abs(found - wanted.numpy()).max() < 1e-4 * wanted.abs().max()


def test_what_is_projected_is_about_the_mean(network):
    seen = torch.rand(1, 1280, 2, 3)
    network.project.weight.data.zero_()[:, 7] = 1  # as if one direction were all
    bias = network.project.bias
    assert torch.allclose(network.project(seen)[0, 0], seen[0, 7] + bias[0])


def test_weights_take_a_byte_each(network, exported):
    weights = sum(value.numel() for value in network.parameters())
    assert len(exported.pack()) < 1.1 * weights


def test_vectors_are_means_less_the_centre(exported):
    features = np.random.default_rng(1).normal(3, 2, (FEATURES, 2, 5)).astype(np.float32)
    assert np.allclose(exported.vector(features), features.mean(axis=(1, 2)) - CENTRE, atol=1e-5)


def test_macs_are_counted_and_facts_are_kept(exported):
    assert exported.card["x"] == 1
    assert 6000 < exported.card["macs_per_sample"] < 10000


def test_a_block_that_halves_lies_as_in_tensorflow():
    block = MobileBlock(1, 1, 1, 3, 2)
    for weight in block.parameters():
        weight.data.zero_()
    block.depthwise.weight.data[0, 0, 0, 0] = 1
    block.project.weight.data[:] = 1
    values = torch.arange(16.0).view(1, 1, 4, 4) / 3
    assert torch.equal(block(values)[0, 0], values[0, 0, ::2, ::2])
