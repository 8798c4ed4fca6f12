"""A chain of stages: it resumes, refuses what was made otherwise, and keeps the better model."""

import json

import pytest

from conftest import textured
from together import in_two_processes

torch = pytest.importorskip("torch")

from trellic.codec.analysis import analyse  # noqa: E402
from trellic.codec.deployed import DeployedQuantizer  # noqa: E402
from trellic.codec.encoder import encode_latents  # noqa: E402
from trellic.errors import BadConfig  # noqa: E402
from trellic.model import Model, Sessions  # noqa: E402
from trellic.networks.exact import FINEST_WEIGHT, ExactConv  # noqa: E402
from trellic.networks.load import load  # noqa: E402
from trellic.quantize import quantizer_named  # noqa: E402
from trellic.train.chain import retrain  # noqa: E402


@pytest.fixture
def chain(workshop, tmp_path):
    """Runs stages of three steps, and collects what is reported."""
    config = workshop.config(tmp_path / "stage.toml", steps=3)
    messages = []

    def run(*stages, start=workshop.model, out="chain", **replaced):
        values = {"quantizer": "tcq8", **replaced}
        keep = lambda entry: messages.append(entry.get("message"))  # noqa: E731
        return retrain(start, stages, config, values, tmp_path / out, workshop.cache, keep)

    run.messages, run.folder = messages, tmp_path
    return run


def test_a_chain_resumes_and_refuses_what_was_made_otherwise(chain, workshop):
    made = chain("rounding", "tables")
    assert [text for text in chain.messages if text and text.startswith("stage")] == [
        "stage 1: rounding",
        "stage 2: tables",
    ]
    chain.messages.clear()
    assert chain("rounding", "tables") == made
    assert not chain.messages
    for other in ({"seed": 9}, {"step": 1.5, "rate_weight": 0.02}):
        with pytest.raises(BadConfig, match="made otherwise"):
            chain("rounding", "tables", **other)
    model = Model.read(made)
    assert model.card["quantizers"]["tcq8"]["tables"]["pictures"] == 3
    assert model.card["trained"]["started_from"]["model"] == Model.read(workshop.model).name
    sessions = Sessions(model)
    coded = encode_latents(
        sessions, analyse(sessions, textured(70, 90), 12800), DeployedQuantizer.of(model, quantizer_named("tcq8"))
    )
    assert coded.estimated_bits > 0


def test_a_stage_that_makes_a_model_worse_is_not_kept(chain, workshop):
    made = chain("joint", "rounding", learning_rate=0.5, average=1, rates={})
    outcomes = [
        json.loads((chain.folder / "chain" / name / "outcome.json").read_text()) for name in ("1-joint", "2-rounding")
    ]
    assert [outcome["kept"] for outcome in outcomes] == [False, True]
    assert outcomes[0]["costs"][1] > outcomes[0]["costs"][0]
    assert outcomes[1]["from"] == Model.read(workshop.model).name
    assert made == chain.folder / "chain" / "2-rounding" / "model.trm"


def test_a_model_becomes_exact_and_stays_so(chain, workshop):
    made = chain("exact", "decoder", start=workshop.run)
    for model in (Model.read(chain.folder / "chain" / "1-exact" / "model.trm"), Model.read(made)):
        assert model.is_exact
        layers = [layer for layer in load(model).modules() if isinstance(layer, ExactConv)]
        assert layers
        for layer in layers:  # what was exported was on its fixed point
            assert torch.equal(layer.weight * FINEST_WEIGHT, (layer.weight * FINEST_WEIGHT).round())


def test_of_two_processes_one_writes_a_chains_models(chain, workshop):
    """A chain's later stages start from what the first process wrote: the other one waits for it."""
    options = (
        "--quantizer",
        "tcq8",
        "--stages",
        "tables,rounding,tables",
        "--config",
        chain.folder / "stage.toml",
        "--out",
        chain.folder / "shared",
        "--cache",
        workshop.cache,
    )
    result = in_two_processes("from trellic.cli import main; main()", "retrain", workshop.model, *options)
    assert result.returncode == 0, result.stderr
    names = [Model.read(path).name for path in sorted((chain.folder / "shared").glob("*/model.trm"))]
    assert len(set(names)) == 3


def test_an_unknown_stage_is_refused(chain):
    with pytest.raises(BadConfig, match="no stage"):
        chain("synthesis", "nosuch")
