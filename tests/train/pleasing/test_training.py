"""The stage "pleasing" trains the synthesis alone, goes on where it stopped, and makes a file that a decoder takes."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import textured  # noqa: E402
from trellic import Codec  # noqa: E402
from trellic.errors import BadConfig  # noqa: E402
from trellic.model import Model  # noqa: E402
from trellic.model.adapter import Adapter  # noqa: E402
from trellic.model.pleasing import SUFFIX  # noqa: E402
from trellic.train.chain import retrain  # noqa: E402
from trellic.train.checkpoint import read_state  # noqa: E402
from trellic.train.pleasing import companion, training  # noqa: E402


@pytest.fixture
def run(workshop, without_lite0, tmp_path, monkeypatch):
    """Runs the stage for some steps, the adversary from the third on, and returns its file."""
    monkeypatch.setattr(training, "ALONE", 2)
    config = workshop.config(tmp_path / "stage.toml", precision="float32")

    def chain(steps=6, name="chain", stages=("pleasing",)):
        values = {"quantizer": "tcq8", "steps": steps, "learning_rate": 3e-3}
        return retrain(workshop.model, stages, config, values, tmp_path / name, workshop.cache, lambda entry: None)

    return chain


def test_the_stage_makes_a_companion_and_leaves_the_model(run, workshop, monkeypatch, tmp_path):
    model, path = Model.read(workshop.model), run(stages=("pleasing", "tables"))
    assert Model.read(path).card["trained"] == model.card["trained"]  # what follows goes on from the model before
    made = tmp_path / "chain" / "1-pleasing" / f"{model.name}{SUFFIX}"
    assert run() == made
    (tmp_path / "tiny.trm").write_bytes(model.pack())
    (tmp_path / made.name).write_bytes(made.read_bytes())
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path))
    codec = Codec("tiny", effort=1)
    data = codec.encode(textured(64, 64), 30)
    pictures = [np.asarray(codec.decode(data, realism=realism)).astype(int) for realism in (0, 1)]
    assert 0 < np.abs(pictures[0] - pictures[1]).mean() < 20


def test_what_the_adversary_sees_begins_anywhere():
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 64, 64)
    corners = [training.shifted(picture, picture + 1) for _ in range(30)]
    for one, other in corners:
        assert one.shape == (1, 3, 48, 48)
        assert torch.equal(one + 1, other)
    assert len({float(one[0, 0, 0, 0]) for one, _ in corners}) > 20


def test_validation_says_what_the_target_says(run, tmp_path):
    run()
    lines = [json.loads(line) for line in (tmp_path / "chain" / "1-pleasing" / "log.jsonl").read_text().splitlines()]
    first, last = (line["validation"] for line in lines if "validation" in line)
    assert first["ratio"] == [1.0, 1.0]
    assert last["ratio"] != first["ratio"]
    assert last["weight"] != training.ADVERSARY


def test_the_adversary_and_its_weight_go_on(run, tmp_path):
    run(steps=6)
    folder = tmp_path / "chain" / "1-pleasing"
    before = read_state(folder)["task"]
    (folder / "outcome.json").unlink()
    run(steps=8)
    after = read_state(folder)["task"]
    assert (before["steps"], after["steps"]) == (6, 8)
    assert (
        after["adversary"]["optimizer"]["state"][0]["step"] == before["adversary"]["optimizer"]["state"][0]["step"] + 2
    )


def test_it_runs_in_one_process(run, monkeypatch):
    monkeypatch.setattr(training, "world", lambda: 2)
    with pytest.raises(BadConfig, match="one process"):
        run()


def test_realism_1_is_the_part_of_the_change_that_is_kept(run, workshop, monkeypatch):
    changes, model = [], Model.read(workshop.model)
    for kept in (0.5, 1.0):
        monkeypatch.setattr(companion, "KEPT", kept)
        made = Adapter.parse(run(name=f"kept-{kept}").read_bytes())
        biases = [one for one in made.changes(model)["decoder"] if one.array.endswith("bias")]
        changes.append(np.concatenate([one.integers * 2.0**one.exponent for one in biases]))
    half, whole = (np.square(each).mean() ** 0.5 for each in changes)
    assert half == pytest.approx(whole / 2, rel=0.1)
