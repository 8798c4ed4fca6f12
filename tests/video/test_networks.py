"""The adapter of predicted frames: shipped for the shipped model, none for others; streams name it."""

import pytest

from conftest import GOLDEN
from moving import moving
from trellic.errors import BadRequest, MissingAdapter
from trellic.model import DEFAULT, Model, find_model
from trellic.model.adapter_store import RESIDUAL, find_adapter_by_hash, installed_adapters, shipped_adapter
from trellic.video import Reader, encode
from trellic.video.networks import NO_ADAPTER, SHIPPED, adapter_named


def test_the_shipped_adapter_is_of_the_shipped_model_and_no_picture_is_tried_with_it():
    model = Model.read(find_model(DEFAULT))
    adapter = shipped_adapter(RESIDUAL, model.sha256)
    assert adapter_named(SHIPPED, model) == adapter
    assert adapter.base == model.sha256
    assert adapter.sha256 not in {one.sha256 for one in installed_adapters().values()}
    assert find_adapter_by_hash(adapter.sha256[:4], model.sha256) == adapter


def test_other_models_have_none_and_take_no_foreign_one():
    golden = Model.read(GOLDEN / "golden.trm")
    assert adapter_named(SHIPPED, golden) is None
    assert adapter_named(NO_ADAPTER, golden) is None
    with pytest.raises(MissingAdapter):
        adapter_named("no such", golden)
    with pytest.raises(BadRequest):
        adapter_named("golden", Model.read(find_model(DEFAULT)))


def test_a_video_by_the_shipped_model_names_its_adapter_and_comes_back():
    reader = Reader(encode(moving(3, 48, 64), rate=25, quality=30), threads=1)
    assert (
        reader.stream.read(reader.stream.adapter)
        == shipped_adapter(RESIDUAL, Model.read(find_model(DEFAULT)).sha256).sha256[:4]
    )
    assert [frame.shape for frame in reader] == [(48, 64, 3)] * 3
