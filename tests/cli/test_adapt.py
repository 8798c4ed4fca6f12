"""trellic adapt writes what was trained, says when it pays, and overwrites nothing."""

import json

import pytest

pytest.importorskip("torch")

import trellic.train.adapt as training
from adapters import random_adapter
from trellic.cli.adapt import adapt
from trellic.errors import BadRequest, FileExists
from trellic.model.adapter import Adapter
from trellic.train.adapt import Adapted

ADAPTER = random_adapter()
SIZE = len(ADAPTER.pack())


@pytest.fixture(autouse=True)
def _trained(monkeypatch):
    """Training takes no time, and saves 5 % of pictures of as many bytes as the adapter has."""
    monkeypatch.setattr(training, "adapt", lambda *arguments: Adapted(ADAPTER, 5.0, SIZE))


def test_what_was_trained_is_written_with_when_it_pays(folder, capsys):
    adapt([str(folder / "in")], folder / "a.tra")
    assert Adapter.read(folder / "a.tra") == ADAPTER
    said = capsys.readouterr().out
    assert (
        f"adapter {ADAPTER.name}, {SIZE} bytes, {len(ADAPTER.decoder)} of them for decoders; 5.0 % fewer bits" in said
    )
    assert f"pays after 20 pictures of {SIZE} bytes" in said


def test_results_as_json(folder, capsys):
    adapt([str(folder / "in")], folder / "a.tra", as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["adapter"], facts["bytes"], facts["pays_after"]) == (ADAPTER.name, SIZE, 20)


def test_nothing_is_overwritten_without_force(folder):
    (folder / "a.tra").write_bytes(b"mine")
    with pytest.raises(FileExists):
        adapt([str(folder / "in")], folder / "a.tra")
    assert (folder / "a.tra").read_bytes() == b"mine"
    adapt([str(folder / "in")], folder / "a.tra", force=True)
    assert Adapter.read(folder / "a.tra") == ADAPTER


@pytest.mark.parametrize("other", [{"parts": "synthesis"}, {"quantizer": "uniform"}])
def test_layers_say_what_is_adapted(folder, other):
    with pytest.raises(BadRequest, match="neither --parts nor --quantizer"):
        adapt([str(folder / "in")], folder / "a.tra", layers=True, **other)
    assert not (folder / "a.tra").exists()
