"""A run becomes a model whose card says how it was made."""

import pytest

torch = pytest.importorskip("torch")

from trellic.codec.deployed import DeployedQuantizer  # noqa: E402
from trellic.entropy.parameters import ONE  # noqa: E402
from trellic.errors import BadConfig  # noqa: E402
from trellic.model import Model  # noqa: E402
from trellic.networks.load import load  # noqa: E402
from trellic.provenance import commit  # noqa: E402
from trellic.quantize import quantizer_named  # noqa: E402
from trellic.train.run import export_run  # noqa: E402
from trellic.train.start import load_run  # noqa: E402


def test_an_exported_run_holds_its_average(workshop):
    model = Model.read(workshop.model)
    weights, kept = load_run(workshop.run).codec.state_dict(), load(model).state_dict()
    assert all(torch.allclose(kept[name], weights[name], rtol=1e-3, atol=1e-4) for name in weights)


def test_the_card_says_how_a_model_was_made(workshop, trained):
    out = trained("joint", stage="joint", start=str(workshop.model), quantizer="tcq8")
    card = export_run(out, "mine").card
    trained_card = card["trained"]
    assert card["summary"] == "mine"
    assert trained_card["pictures"]["pictures"] == 3
    assert trained_card["config"]["seed"] == 1
    assert trained_card["steps"] == 4
    assert trained_card["sessions"][0]["commit"] == commit()
    before = trained_card["started_from"]
    assert before["model"] == Model.read(workshop.model).name
    assert before["trained"]["steps"] == 30
    assert card["validation"]["cost"]


def test_a_run_goes_on_from_single_precision_weights_of_another(workshop, trained):
    out = trained("next", start=str(workshop.run), steps=1, learning_rate=0.0)
    before, after = load_run(workshop.run).codec.state_dict(), load_run(out).codec.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert export_run(out, "").card["trained"]["started_from"]["run"] == "run"


def test_a_model_trained_for_a_quantizer_keeps_its_operating_point(workshop, trained):
    out = trained("own", stage="decoder", start=str(workshop.model), quantizer="tcq8", step=1.5, rate_weight=0.03)
    deployed = DeployedQuantizer.of(export_run(out, ""), quantizer_named("tcq8"))
    parameters = deployed.at(12800)
    assert (parameters.step, parameters.rate_weight) == (round(1.5 * ONE), 0.03)


def test_a_quantizer_needs_a_model_with_its_tables(trained):
    with pytest.raises(BadConfig, match="needs a model"):
        trained("none", quantizer="tcq8")


def test_a_run_starts_only_from_a_design_that_grows_into_its_own(workshop, trained):
    design = {**workshop.values()["design"], "latents": 16, "prior": {"groups": [8, 8], "z": 8, "features": 16}}
    with pytest.raises(BadConfig, match="does not grow"):
        trained("other", start=str(workshop.model), design=design)


def test_a_denoiser_is_trained_beside_a_frozen_invertible_transform(workshop, trained):
    design = {**workshop.values()["design"], "transform": {"family": "invertible", "fine": [1, 8], "coarse": [1, 8]}}
    grown = {**design, "transform": {**design["transform"], "denoiser": [1, 1, 8]}}
    first = trained("first", design=design)
    (first / "model.trm").write_bytes(export_run(first, "").pack())
    out = trained("second", stage="synthesis", quantizer="tcq8", start=str(first), design=grown)
    before, after = load_run(first).codec.state_dict(), load_run(out).codec.state_dict()
    changed = {name for name in after if name not in before or not torch.equal(before[name], after[name])}
    assert {name.rpartition(".")[0].split(".")[1] for name in changed} == {"coarse", "fine", "gain", "recovery"}
    assert all(name.startswith("synthesis.") for name in changed)
    assert load(export_run(out, "")).synthesis.coarse


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(BadConfig, match="not a training run"):
        load_run(tmp_path)
