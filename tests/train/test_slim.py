"""Slim models: cut, trained in two stages, resumed, and written with the quantizers of the larger model."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

import trellic.networks.cut as cutting
from command import run_trellic
from trellic.errors import BadConfig
from trellic.model import Model
from trellic.networks.cut import Size
from trellic.train.run import latents_of
from trellic.train.slim import make_slim
from trellic.train.stage import stage_named

TINY = Size((1, 1, 8), (1, 1, 8), 8, 8, 4)
BUDGET = {"steps": 2, "minutes": 0, "crop": 64, "batch": 2, "warmup": 2}


@pytest.fixture
def make(workshop, tmp_path, monkeypatch):
    """Makes a slim model of the tiny one in a folder."""
    monkeypatch.setitem(cutting.SIZES, "tiny", TINY)
    said = []

    def run(preset="tiny"):
        paths = sorted(workshop.pictures.iterdir())
        return make_slim(workshop.model, preset, paths, BUDGET, tmp_path / "slim", workshop.cache, said.append)

    run.said = said
    return run


def test_a_slim_model_is_cut_trained_and_resumed(make, workshop, tmp_path):
    made = make()
    assert made.latents == 8
    assert [entry["message"] for entry in make.said if "stage" in entry.get("message", "")] == [
        "stage 1: follow", "stage 2: joint",
    ]  # fmt: skip
    make.said.clear()
    assert make().sha256 == made.sha256
    assert not any("stage" in entry.get("message", "") for entry in make.said)
    assert "near" in stage_named("follow").terms


def test_a_preset_that_is_not_there_is_named(make):
    with pytest.raises(BadConfig, match=r"no preset .nosuch. .*slim"):
        make("nosuch")


def test_only_a_model_that_was_cut_from_another_follows_it(workshop):
    with pytest.raises(BadConfig, match="was not cut from"):
        latents_of(Path(workshop.model), Model.read(workshop.model))


@pytest.mark.parametrize("options", [["-c", "quick", "--preset", "slim", "in"], ["--preset", "slim"], ["in"], []])
def test_a_configuration_and_a_preset_exclude_each_other(tmp_path, options):
    done = run_trellic("train", "-o", "out", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"give --config, or --preset with pictures" in done.stderr
