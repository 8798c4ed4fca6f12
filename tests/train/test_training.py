"""A stage trains its parts and nothing else, on the latents that it says, for any learned codec."""

from typing import ClassVar

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from trellic.codec.deployed import DeployedQuantizer  # noqa: E402
from trellic.model import Model  # noqa: E402
from trellic.model.schedule import ALL, Code, Run, Schedule, Variable  # noqa: E402
from trellic.networks.learned import LearnedCodec  # noqa: E402
from trellic.networks.load import load  # noqa: E402
from trellic.quantize import quantizer_named  # noqa: E402
from trellic.train.config import TrainConfig  # noqa: E402
from trellic.train.data import PixelStore, centres, list_pictures  # noqa: E402
from trellic.train.loop import train  # noqa: E402
from trellic.train.stage import stage_named, stages  # noqa: E402
from trellic.train.start import load_run  # noqa: E402
from trellic.train.training import DeployedModel, StageTraining  # noqa: E402

OTHERWISE = {"pretrain", "exact", "adapt", "follow", "layers", "pleasing"}
"""Stages that other tests are of."""


@pytest.mark.parametrize("stage", [name for name in stages() if name not in OTHERWISE])
def test_a_stage_trains_its_parts_and_nothing_else(workshop, trained, stage):
    crop = 192 if stage == "blocks" else 64  # a block of 64, and what lies around it
    out = trained(stage, stage=stage, steps=3, crop=crop, start=str(workshop.model), quantizer="tcq8")
    codec = load(Model.read(workshop.model))
    before, after = codec.state_dict(), load_run(out).codec.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    prefixes = {part: codec.parts[part] for part in stage_named(stage).trains}
    for part in prefixes:
        assert any(name.startswith(prefixes[part]) for name in changed), part
    assert all(name.startswith(sum(prefixes.values(), ())) for name in changed)


def test_entropy_networks_become_exact_and_the_rest_stays(workshop, trained):
    design = {**workshop.values()["design"], "exact": True}
    out = trained(
        "exact",
        stage="exact",
        steps=3,
        start=str(workshop.run),
        tuned=str(workshop.model),
        quantizer="tcq8",
        design=design,
    )
    codec = load_run(workshop.run).codec
    before, after = codec.state_dict(), load_run(out).codec.state_dict()
    assert any(name.endswith("fixed_point.scale") for name in after)
    rest = [name for name in before if not name.startswith(codec.parts["entropy"])]
    assert all(torch.equal(before[name], after[name]) for name in rest)


class Foreign(LearnedCodec):
    """A researcher's model: one convolution each way, and a scale for each channel."""

    parts: ClassVar = {"analysis": ("down",), "entropy": ("log_scales",), "synthesis": ("up",)}
    schedule = Schedule(
        {"y": Variable(6, 16)},
        (Run("down", ("picture",), ("y",)),),
        (Code("y", 0, 6, ALL, "", "log_scales"),),
        (Run("up", ("y",), ("pixels",)),),
    )

    def __init__(self):
        super().__init__()
        self.down, self.up = torch.nn.Conv2d(3, 6, 16, 16), torch.nn.ConvTranspose2d(6, 3, 16, 16)
        with torch.no_grad():
            self.down.weight *= 20
            self.up.weight /= 20
        self.log_scales = torch.nn.Parameter(torch.ones(2, 6))

    def network(self, graph):
        return getattr(self, graph)


@pytest.fixture
def prepare(workshop, tmp_path):
    """Returns a configuration, and what makes the training of a stage of a model of one's own."""
    folder = [str(workshop.pictures)]
    config = TrainConfig(pictures=folder, validation=folder, steps=12, batch=2, crop=64, warmup=1, cached=6)
    paths = list_pictures(folder)
    pictures, validation = PixelStore.of_files(paths, workshop.cache), centres(paths, 64, torch.device("cpu"))

    def training(stage, step=1600, weight=1.0, codec=None):
        torch.manual_seed(0)
        deployed = DeployedQuantizer.plain(quantizer_named("tcq8"), step, 0.02)
        model = DeployedModel(codec or Foreign(), deployed, lambda quality: np.full(6, weight, "f4"))
        return StageTraining(config, stage_named(stage), model, pictures, validation, tmp_path)

    return config, training


@pytest.mark.parametrize(("stage", "part"), [("joint", ""), ("entropy", "log_scales"), ("synthesis", "up")])
def test_a_model_of_ones_own_is_trained_for_the_real_quantizer(prepare, tmp_path, stage, part):
    config, prepared = prepare
    training = prepared(stage)
    before = {name: weight.clone() for name, weight in training.codec.state_dict().items()}
    after = training.validate(train(config, training, tmp_path, lambda entry: None))
    assert after["cost"] < training.before["cost"]
    changed = [name for name, weight in training.codec.state_dict().items() if not torch.equal(weight, before[name])]
    assert changed
    assert all(name.startswith(part) for name in changed)


def test_latents_are_kept_by_all_that_they_follow_from(prepare):
    """A run that goes on finds what it cached, and a run of another quantizer does not."""
    _, prepared = prepare
    cases = [("synthesis", 1600, 1), ("noise", 1600, 1), ("synthesis", 1500, 1), ("synthesis", 1600, 2)]
    facts = [prepared(*case).facts for case in cases]
    assert len(set(facts)) == 4
    assert prepared("synthesis").facts == facts[0]


def test_cached_latents_are_those_of_the_quantizer(prepare):
    _, prepared = prepare
    training = prepared("synthesis")
    training.begin(seed=1)
    once = training._live(training.config.seed).draw(4, training.device)
    assert np.allclose(training.latents.values["y"][:4] / 32, once.decoded.values["y"].detach().numpy(), atol=1 / 64)
    again = training.latents.draw(2, training.device)
    assert again.pictures.shape == (2, 3, 64, 64)
    assert set(again.decoded.values) == {"y"}
