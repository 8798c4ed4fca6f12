"""The exactness probe: it finds a network that computes otherwise, and a hostile one is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from trellic.cli import app
from trellic.errors import DamagedModel
from trellic.model import DEFAULT, Model, Sessions, find_model
from trellic.model.probe import failures

SHA = "0" * 64


@pytest.fixture(scope="module")
def shipped() -> Model:
    return Model.read(find_model(DEFAULT))


def test_a_probe_names_the_networks_that_answer_otherwise_or_are_not_in_it(shipped):
    assert failures(Sessions(shipped, 1)) == []
    probe = shipped.card["probe"]
    wrong = {name: entry for name, entry in probe.items() if name != "first_0"}
    wrong["second_1"] = {**wrong["second_1"], "sha256": SHA}
    assert failures(Sessions(shipped.with_card(probe=wrong), 1)) == ["first_0", "second_1"]


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {},
        {"inputs": [192]},
        {"inputs": 192, "sha256": SHA},
        {"inputs": [-1], "sha256": SHA},
        {"inputs": [1.5], "sha256": SHA},
        {"inputs": [10**9], "sha256": SHA},
        {"inputs": [4096] * 10_000, "sha256": SHA},
        {"inputs": [192], "sha256": "x"},
        {"inputs": [192], "sha256": 5},
        {"inputs": [192], "sha256": SHA, "more": 1},
        {"inputs": [191], "sha256": SHA},
        {"inputs": [192, 192], "sha256": SHA},
        {"inputs": [], "sha256": SHA},
    ],
)
def test_a_hostile_probe_is_a_damaged_model(shipped, entry):
    with pytest.raises(DamagedModel):
        failures(Sessions(shipped.with_card(probe={**shipped.card["probe"], "first_0": entry}), 1))


@pytest.mark.parametrize("probe", [5, None, [1], "x"])
def test_a_probe_that_is_no_object_is_a_damaged_model(shipped, probe):
    with pytest.raises(DamagedModel):
        failures(Sessions(shipped.with_card(probe=probe), 1))


def listed(folder: Path, monkeypatch: pytest.MonkeyPatch, *models: Model) -> tuple[int, list[dict]]:
    """Return exit code and records of `trellic models --probe` where these are installed beside the shipped one."""
    monkeypatch.setenv("TRELLIC_MODELS", str(folder))
    for number, model in enumerate(models):
        (folder / f"model{number}.trm").write_bytes(model.pack())
    result = CliRunner().invoke(app, ["models", "--probe", "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_the_command_proves_every_installed_model(shipped, tmp_path, monkeypatch):
    code, records = listed(tmp_path, monkeypatch)
    assert (code, [record["failures"] for record in records]) == (0, [[]])


def test_the_command_fails_where_a_model_computes_otherwise(shipped, tmp_path, monkeypatch):
    arrays = {name: values.copy() for name, values in shipped.file.arrays["decoder"].items()}
    name = next(iter(shipped.file.graphs["decoder"]["first_1"].weights.values()))
    arrays[name] += np.float16(1)
    changed = Model.of(replace(shipped.file, arrays={**shipped.file.arrays, "decoder": arrays}))
    code, records = listed(tmp_path, monkeypatch, changed)
    assert code == 1
    assert records[-1]["failures"] == ["first_1"]
