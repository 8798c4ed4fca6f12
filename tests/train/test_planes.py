"""Coarse planes in training are those that are deployed; what is trained has a gradient, and nothing else."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from conftest import GOLDEN, textured
from trellic.codec.analysis import analyse
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.layer_encoder import encode_sweeps
from trellic.codec.layers import LayerCoding
from trellic.container.layers import Layering
from trellic.model import Model, Sessions
from trellic.networks.adapter import ADAPTER, add_adapter
from trellic.networks.learned import positions_of
from trellic.networks.load import load
from trellic.networks.priors.base import Gaussian
from trellic.quantize import NESTED
from trellic.train.config import Mix
from trellic.train.crops import Crops
from trellic.train.data import PixelStore
from trellic.train.planes import PlaneCoder, PlaneLatents

EXACT = Model.read(GOLDEN.parent / "conformance" / "exact.trm")
STEP, QUALITY = 700, 15000
BY_PLANE = Layering(2, 4, 102, (), (1, 1, 1, 1), STEP)


@pytest.fixture
def crops(tmp_path):
    from PIL import Image

    for seed in range(3):
        Image.fromarray(textured(96, 96, seed)).save(tmp_path / f"{seed}.png")
    store = PixelStore.of_files(sorted(tmp_path.glob("*.png")), tmp_path / "cache")
    return Crops.of(store, tmp_path / "cache", Mix(), 64, 1)


def test_digits_of_coarse_planes_are_those_of_the_codec(monkeypatch):
    sessions = Sessions(EXACT, 1)
    deployed = DeployedQuantizer.of(EXACT, NESTED).with_parameters(STEP, 0.0)
    analysed = analyse(sessions, textured(64, 128), QUALITY)
    seen, walk = [], LayerCoding.walk

    def watched(self, sweep, graphs):
        walk(self, sweep, graphs)
        seen.append(self.decoded["y"].copy())

    monkeypatch.setattr(LayerCoding, "walk", watched)
    encode_sweeps(sessions, sessions, analysed, deployed, BY_PLANE)
    codec, known = load(EXACT).eval(), {}
    targets = {name: torch.from_numpy(each)[None] for name, each in analysed.targets.items()}
    quality, steps = torch.full((1, 1, 1, 1), QUALITY / 25600), torch.full((1, 1, 1, 1), STEP / 1024)
    for missing, expected in zip((3, 2, 1), seen[:3], strict=True):
        with torch.no_grad():
            found = codec.code(targets, quality, PlaneCoder(steps, missing, known))
        assert np.abs(found.values["y"][0].numpy() - expected).max() < 1e-3


def test_the_digits_that_a_latent_may_have_are_together_certain():
    step = next(step for step in EXACT.schedule.passes if not step.is_rounded)
    targets = torch.linspace(-30, 30, 60_000).view(1, 1, 1, -1).expand(1, step.stop - step.start, 2, -1)
    gaussian = Gaussian(torch.full_like(targets, 0.3), torch.full_like(targets, 1.0))
    known: dict = {}
    for missing in (3, 2, 1):
        before = known[step].indices.flatten().tolist() if known else [None] * targets.numel()
        _, bits = PlaneCoder(torch.ones(1, 1, 1, 1), missing, known)(step, targets, gaussian)
        found: dict = {}
        inside = positions_of(step.mask, targets).expand_as(targets).flatten().tolist()
        for parent, child, cost, there in zip(
            before, known[step].indices.flatten().tolist(), bits.flatten().tolist(), inside, strict=True
        ):
            if there:
                found.setdefault(parent, {})[child] = cost
        for parent, children in found.items():
            if parent is None or abs(parent) < 2:
                assert sum(2**-cost for cost in children.values()) == pytest.approx(1, abs=1e-3)
                assert parent is None or len(children) == (3 if parent == 0 else 2)


def test_only_what_codes_and_shows_coarse_planes_learns(crops):
    model = Model.read(GOLDEN / "golden.trm")
    codec, plain = load(model), load(model).requires_grad_(False)
    add_adapter(codec, 1, ("entropy", "synthesis"))
    names = set(codec.parts[ADAPTER])
    for name, weight in codec.named_parameters():
        weight.requires_grad_(name in names)
    latents = PlaneLatents(codec, plain, DeployedQuantizer.of(model, NESTED), crops)
    learned = set()
    for _ in range(12):
        codec.zero_grad(set_to_none=True)
        batch = latents.draw(2, torch.device("cpu"))
        assert (batch.aim < batch.quality).all()
        shown = codec.decode(batch.decoded.values, batch.quality)
        (shown.square().mean() + sum(batch.decoded.bits.values()).mean()).backward()
        learned |= {name for name, weight in codec.named_parameters() if weight.grad is not None and weight.grad.any()}
    assert learned
    assert learned <= names
    assert any(name.startswith("synthesis") for name in learned)
    assert any(name.startswith("prior") for name in learned)
