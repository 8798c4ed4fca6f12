"""Training of features: it learns from views, and a resumed run is the run."""

import numpy as np
import pytest
import torch

from trellic.networks.features import FeatureNetwork
from trellic.train import feature_training as module
from trellic.train.feature_training import Training, likeness
from trellic.train.feature_views import Views


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(module, "EVERY", 2)
    monkeypatch.setattr(module, "WARMUP", 2)


def views(distance: int, count: int = 6) -> Views:
    random = np.random.default_rng(distance)

    def some(*shape):
        return random.normal(0, 1, (count, *shape)).astype(np.float16)

    y = some(12, 4 * distance, 4 * distance)
    quality = random.random(count).astype(np.float32)
    return Views(y, some(4, distance, distance), quality, some(112, 4, 4), some(256, 2, 2))


def training(steps: int) -> Training:
    torch.manual_seed(1)
    network = FeatureNetwork(torch.zeros(2, 12), torch.zeros(2, 4), torch.ones(112), 4)
    return Training(network, {1: views(1), 2: views(2)}, steps, 7)


def test_the_loss_falls_and_the_stem_learns_alone_at_first(tmp_path):
    run, entries = training(40), []
    begun = run.network.blocks["11"].project.weight.clone()
    run.steps = 40
    alone = [run._step() for _ in range(10)]
    assert all(float(terms.map) == 0 for terms in alone)
    assert torch.equal(run.network.blocks["11"].project.weight, begun)
    run.run(tmp_path, entries.append)
    assert not torch.equal(run.network.blocks["11"].project.weight, begun)
    maps = [entry["map"] for entry in entries if entry["map"]]
    assert min(maps[-3:]) < maps[0]


def test_a_resumed_run_is_the_run(tmp_path):
    whole = training(8).run(tmp_path / "whole", lambda entry: None)

    class Stopped(Exception):
        pass

    def stop(entry):
        if entry["step"] == 4:
            raise Stopped

    with pytest.raises(Stopped):
        training(8).run(tmp_path / "cut", stop)
    resumed = training(8).run(tmp_path / "cut", lambda entry: None)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_likeness_is_of_pairs_about_the_mean():
    vectors = torch.tensor([[2.0, 1.0], [4.0, 1.0], [3.0, 1.0 + 1e-9]])
    assert torch.allclose(likeness(vectors)[0, 1], torch.tensor(-1.0))
