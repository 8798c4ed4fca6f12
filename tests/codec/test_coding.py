"""The loop that follows a schedule holds nothing longer than it is needed; corrected passes go there and back."""

from dataclasses import replace
from weakref import ReferenceType, ref

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic import Codec
from trellic.codec.analysis import analyse
from trellic.codec.coding import Arrays, no_passes, run
from trellic.codec.encoder import encode_latents
from trellic.container.header import HASH_BYTES, MAGIC, QUALITY_ONE
from trellic.errors import DamagedStream
from trellic.model import Model
from trellic.model.schedule import Code, Run

PLAIN = GOLDEN / "golden.trm"
WEIGHTS = 120, 50, 110


@pytest.fixture(scope="module")
def corrected(tmp_path_factory):
    """A model file: the golden model, whose deployed passes have weights."""
    model = Model.read(PLAIN)
    steps = tuple(
        replace(step, correction=WEIGHTS) if isinstance(step, Code) and not step.is_rounded else step
        for step in model.schedule.code
    )
    path = tmp_path_factory.mktemp("models") / "corrected.trm"
    path.write_bytes(model.with_card(schedule=replace(model.schedule, code=steps).to_json()).pack())
    return path


@pytest.mark.parametrize("quantizer", ["uniform", "rdoq", "tcq8", "tcq256"])
def test_what_the_encoder_made_is_what_is_decoded(corrected, quantizer):
    codec = Codec(str(corrected), quantizer=quantizer)
    analysed = analyse(codec.sessions, textured(130, 190), 60 * QUALITY_ONE)
    coded = encode_latents(codec.sessions, analysed, codec.deployed)
    assert abs(8 * len(coded.data) - coded.estimated_bits) < 64
    plain = Codec(str(PLAIN), quantizer=quantizer)
    before = encode_latents(plain.sessions, analysed, plain.deployed)
    assert np.array_equal(coded.decoded["y"], before.decoded["y"])
    assert coded.data != before.data


@pytest.mark.parametrize("how", [{}, {"tile": 256}, {"tile": 128, "predict": True}, {"quantizer": "rdoq"}], ids=str)
def test_pictures_are_decoded_as_by_the_model_without(corrected, how):
    image = textured(200, 500)
    one, other = Codec(str(corrected), **how), Codec(str(PLAIN), **how)
    data, plain = one.encode(image, 60), other.encode(image, 60)
    assert data[len(MAGIC) + HASH_BYTES :] != plain[len(MAGIC) + HASH_BYTES :]
    assert np.array_equal(np.asarray(one.decode(data)), np.asarray(other.decode(plain)))
    assert one.verify(data)
    assert one.decode(data, groups=1).size == (500, 200)


@pytest.mark.parametrize("how", [{"quantizer": "lattice"}, {"layers": 3}], ids=str)
def test_lattice_and_layers_are_not_corrected(corrected, how):
    layers = {"layers": how.pop("layers")} if "layers" in how else {}
    image = textured(128, 192)
    data, plain = (Codec(str(path), **how).encode(image, 60, **layers) for path in (corrected, PLAIN))
    start = len(MAGIC) + HASH_BYTES
    assert len(data) == len(plain)
    assert sum(a != b for a, b in zip(data[start:], plain[start:], strict=True)) < 40  # checksums


def test_the_other_model_cannot_read_it(corrected):
    plain = Codec(str(PLAIN))
    data = Codec(str(corrected)).encode(textured(128, 192), 60)
    forged = MAGIC + plain.model.sha256[:HASH_BYTES] + data[len(MAGIC) + HASH_BYTES :]
    with pytest.raises(DamagedStream):
        plain.decode(forged)


def test_what_a_graph_wrote_can_be_forgotten_before_the_next_one_runs():
    values, written = Arrays(), list[ReferenceType[np.ndarray]]()

    def graph(name, arrays):
        assert all(earlier() is None for earlier in written)
        outputs = [np.zeros((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32)]
        written.extend(map(ref, outputs))
        return outputs

    steps = [Run(name, (), ("mean", "log_scale")) for name in ("first", "second", "third")]
    run(steps, graph, values, no_passes, done=lambda step: values.keep(set()))
    assert len(written) == 6
