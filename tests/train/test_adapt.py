"""Adaptation: an adapter that makes validation pictures smaller, or one line and no file."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from command import run_trellic
from trellic.errors import NoPictures, NotBetter
from trellic.evaluate.bdrate import BdRate
from trellic.model import Model
from trellic.train.adapt import Adaptation, adapt, crop_for
from trellic.train.data import divide

HOW = Adaptation(steps=60, crop=64, rate=3e-3)


@pytest.mark.parametrize(("counts", "chosen"), [
    ([3], ["01", "02"]), ([10], ["08", "09"]), ([25], ["020", "021", "022", "023", "024"]), ([4, 11], ["19", "110"]),
    ([4] * 5, ["40", "41", "42", "43"]),
])  # fmt: skip
def test_the_last_fifth_of_each_folder_is_for_validation_two_pictures_at_least(counts, chosen):
    paths = [Path(f"{folder}/{folder}{number}") for folder, count in enumerate(counts) for number in range(count)]
    trained_on, validated_on = divide(paths)
    assert [path.name for path in validated_on] == chosen
    assert sorted(trained_on + validated_on) == sorted(paths)


@pytest.mark.parametrize(
    ("sides", "crop"), [([512] * 5, 192), ([200] * 9 + [90], 192), ([300] * 8 + [90] * 2, 64), ([40] * 3, 64)]
)
def test_crops_are_as_large_as_most_pictures_have_room_for(sides, crop):
    assert crop_for(sides) == crop


def test_too_few_pictures_are_refused():
    with pytest.raises(NoPictures, match="2 pictures are too few"):
        divide([Path("a"), Path("b")])


def pictures_of(workshop) -> list[Path]:
    return sorted(workshop.pictures.iterdir())


def test_an_adapter_saves_bits_on_pictures_that_it_was_not_trained_on(workshop):
    base, said = Model.read(workshop.model), []
    made = adapt(base, pictures_of(workshop), HOW, said.append)
    assert made.saved_percent > 1
    assert made.pays_after == pytest.approx(
        len(made.adapter.pack()) / (made.saved_percent / 100 * made.picture_bytes), abs=1
    )
    assert made.adapter.attach_to(base).sha256 == base.sha256


def test_an_adapter_of_coarse_planes_saves_bits_of_prefixes(workshop):
    base = Model.read(workshop.model)
    made = adapt(base, pictures_of(workshop), Adaptation.of_layers(steps=60, crop=64, rate=3e-3), lambda line: None)
    assert made.saved_percent > 1
    assert not made.adapter.encoder  # the analysis is for all planes


def test_what_is_not_better_is_not_written(workshop):
    with pytest.raises(NotBetter, match="nothing is written"):
        adapt(
            Model.read(workshop.model), pictures_of(workshop), Adaptation(steps=2, crop=64, rate=0.3), lambda line: None
        )


def test_what_costs_bits_is_not_written(workshop, monkeypatch):
    monkeypatch.setattr("trellic.train.adapt.bd_rate", lambda before, after: BdRate(0.5, 30.0, 40.0))
    with pytest.raises(NotBetter, match=r"\+0\.50 % bits on 2 validation pictures"):
        adapt(Model.read(workshop.model), pictures_of(workshop), Adaptation(steps=2, crop=64), lambda line: None)


def test_small_pictures_are_said_to_be_skipped(workshop):
    said = []
    with pytest.raises(NoPictures):
        adapt(Model.read(workshop.model), pictures_of(workshop), Adaptation(steps=2, crop=320), said.append)
    assert "1 of 1 pictures are smaller than 320 pixels, skipped" in said


def test_the_command_line_says_in_one_line_why_there_is_no_adapter(workshop, tmp_path):
    done = run_trellic("adapt", workshop.pictures / "0.png", "-o", "a.tra", "-m", workshop.model, cwd=tmp_path)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert not (tmp_path / "a.tra").exists()
