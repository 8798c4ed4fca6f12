"""Pleasing pictures: the bits and the faithful picture stay what they are, and a companion changes nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from adapters import random_changes
from conftest import GOLDEN, textured
from trellic import Codec, api
from trellic.errors import BadRequest, DamagedModel
from trellic.model import Model
from trellic.model.adapter import Adapter
from trellic.model.pleasing import SUFFIX, read_pleasing, steps_of

MODEL = Model.read(GOLDEN / "golden.trm")
PICTURE = textured(140, 600)  # three tiles


def companion(of=lambda name: name.startswith("synthesis.")) -> Adapter:
    """Return random changes of the golden model's arrays whose names are so."""
    changes = random_changes(MODEL, exponent=-6)
    return Adapter.of(MODEL, {"encoder": [], "decoder": [one for one in changes["decoder"] if of(one.array)]})


def install(monkeypatch, folder, data: bytes) -> None:
    (folder / f"{MODEL.name}{SUFFIX}").write_bytes(data)
    (folder / "golden.trm").write_bytes((GOLDEN / "golden.trm").read_bytes())
    monkeypatch.setenv("TRELLIC_MODELS", str(folder))


@pytest.fixture
def codec(monkeypatch, tmp_path):
    """A codec whose model has a companion, beside that of another model."""
    (tmp_path / f"{'0' * 16}{SUFFIX}").write_bytes(b"")
    install(monkeypatch, tmp_path, companion().pack())
    return Codec("golden", threads=1, effort=1, tile=256)


def shown(codec, data, **options):
    return np.asarray(codec.decode(data, **options)).astype(int)


def test_faithful_pictures_are_the_same_bit_for_bit_and_cost_nothing(codec):
    data, plain = codec.encode(PICTURE, 40), Codec(str(GOLDEN / "golden.trm"), threads=1)
    for realism in (0, 0.03):
        assert np.array_equal(shown(codec, data, realism=realism), shown(plain, data))
    assert codec._attached.cache_info().currsize == 1
    assert codec._attached(None, 0).sessions is codec.sessions


def test_between_faithful_and_pleasing_a_picture_goes_from_one_to_the_other(codec):
    data = codec.encode(PICTURE, 40)
    pictures = [shown(codec, data, realism=realism) for realism in (0, 0.25, 0.5, 1)]
    moved = [np.abs(picture - pictures[0]).mean() for picture in pictures]
    assert 0 < moved[1] < moved[2] < moved[3]


def test_an_amount_is_merged_in_proportion():
    name = "synthesis.coarse.0.branch.0.bias"
    before, half, whole = (
        model.file.arrays["decoder"][name] for model in (MODEL, *(companion().attach_to(MODEL, a) for a in (0.5, 1)))
    )
    assert not np.array_equal(before, whole)
    assert np.allclose(half - before, (whole - before) / 2, atol=1e-6)


def test_the_bits_are_the_same_and_an_amount_is_loaded_once(codec):
    data = codec.encode(PICTURE, 40)
    assert codec.verify(data) == Codec(str(GOLDEN / "golden.trm")).verify(data)
    whole = shown(codec, data, realism=1)
    loaded = codec._attached.cache_info().currsize
    assert np.array_equal(shown(codec, data, realism=0.99), whole)
    assert codec._attached.cache_info().currsize == loaded


def test_a_region_is_as_pleasing_as_the_whole(codec):
    data = codec.encode(PICTURE, 40)
    region = shown(codec, data, crop=(150, 40, 200, 70), realism=1)
    assert np.abs(region - shown(codec, data, realism=1)[40:110, 150:350]).max() <= 1


def test_a_model_without_companion_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path))
    codec = Codec(str(GOLDEN / "golden.trm"), threads=1, effort=1)
    data = codec.encode(PICTURE, 40)
    with pytest.raises(BadRequest, match=f"model {MODEL.name} has no {MODEL.name}.pleasing"):
        codec.decode(data, realism=0.5)
    codec.decode(data, realism=0)


def test_info_says_whether_a_model_can_please(monkeypatch, tmp_path, codec):
    data = codec.encode(PICTURE, 40)
    assert api.info(data)["realism"]
    (tmp_path / f"{MODEL.name}{SUFFIX}").unlink()
    assert not api.info(data)["realism"]


@pytest.mark.parametrize("realism", [-0.1, 1.1, float("nan")])
def test_a_realism_out_of_range_is_refused(realism):
    with pytest.raises(BadRequest, match="0 to 1"):
        steps_of(realism)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        companion().pack()[:-1],
        replace(companion(), base=bytes(32)).pack(),
        companion(lambda name: name.startswith("prior.")).pack(),
    ],
    ids=["empty", "cut", "of another model", "changes what bits depend on"],
)
def test_a_file_of_something_else_is_one_clear_error(monkeypatch, tmp_path, data):
    install(monkeypatch, tmp_path, data)
    with pytest.raises(DamagedModel) as error:
        read_pleasing(MODEL)
    assert len(str(error.value).splitlines()) == 1
