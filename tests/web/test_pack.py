"""The decoder half: small enough to fetch, named by its model, and refused where no browser could run it."""

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import GOLDEN
from trellic.container.bytes import varint
from trellic.errors import BadRequest
from trellic.model import DEFAULT, Model, find_model
from trellic.model.adapter import Adapter
from trellic.model.graph import Operation
from trellic.web.operations import planes_of
from trellic.web.pack import pack_decoder

LARGEST_HALF = 4_500_000


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.read(GOLDEN / "golden.trm")


def with_synthesis(model: Model, *operations: Operation) -> Model:
    """Return the model with a synthesis of other operations."""
    graphs = model.file.graphs["decoder"]
    changed = {**graphs, "synthesis": replace(graphs["synthesis"], operations=operations)}
    return Model.of(replace(model.file, graphs={**model.file.graphs, "decoder": changed}))


def test_the_shipped_model_is_small_enough_to_fetch():
    packed = pack_decoder(Model.read(Path(find_model(DEFAULT))))
    assert len(packed) <= LARGEST_HALF


def test_a_half_names_its_model_and_is_always_the_same(model):
    packed = pack_decoder(model)
    assert zlib.decompress(packed)[4:36] == model.sha256
    assert packed == pack_decoder(model)


def test_tables_that_quantizers_share_are_kept_once(model):
    own = model.with_quantizer("uniform", tables=model.tables_for("deadzone", 1)[0])
    assert len(zlib.decompress(pack_decoder(own))) == len(zlib.decompress(pack_decoder(model)))


def test_offsets_of_quantizers_are_packed(model):
    packed = zlib.decompress(pack_decoder(model))
    for name, sets in (("rdoq", 1), ("tcq8", 2)):
        offsets = model.tables_for(name, sets)[1]
        assert offsets.any()
        assert planes_of(offsets.astype("<u2")) in packed


def test_weights_are_those_with_the_adapter(model):
    adapter = Adapter.read(GOLDEN / "golden.tra")
    before, after = (one.file.arrays["decoder"] for one in (model, adapter.attach_to(model)))
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    assert changed
    packed = zlib.decompress(pack_decoder(model, adapter))
    for name in changed:
        assert planes_of(after[name]) in packed
        assert planes_of(before[name]) not in packed


def test_weights_of_corrected_scales_are_packed():
    model = Model.read(GOLDEN.parent / "conformance" / "corrected.trm")
    packed = zlib.decompress(pack_decoder(model))
    corrections = [step.correction for step in model.schedule.passes if step.correction]
    assert corrections
    for weights in corrections:
        assert b"\1" + b"".join(varint(1024 + weight) for weight in weights) in packed


@pytest.mark.parametrize(
    "operation",
    [
        Operation("Concat", ("latents", "quality"), ("made",), {"axis": 0}),
        Operation("Split", ("latents",), ("made",), {"axis": 0, "num_outputs": 2}),
        Operation("Conv", ("latents", "quality"), ("made",), {"pads": [1, 1]}),
        Operation("Pad", ("latents", "quality"), ("made",), {"mode": "edge"}),
    ],
    ids=lambda operation: operation.kind,
)
def test_what_the_decoder_cannot_run_is_refused(model, operation):
    with pytest.raises(BadRequest, match=operation.kind):
        pack_decoder(with_synthesis(model, operation))
