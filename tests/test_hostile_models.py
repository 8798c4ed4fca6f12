"""Models made to hurt: each is refused by the error that says why, in a line, in little time and room."""

from dataclasses import replace

import numpy as np
import pytest

import trellic
from bounds import bounded
from hostile import models, streams
from trellic import Codec
from trellic.container import write_stream
from trellic.container.header import HASH_BYTES
from trellic.errors import DamagedModel
from trellic.model import ModelFile


def use(path, quantizer="tcq8"):
    """Encode and decode by a model, and decode what another wrote."""
    codec = Codec(str(path), 1, quantizer=quantizer)
    codec.decode(codec.encode(np.full((50, 75, 3), 90, np.uint8)))
    header = replace(streams.HEADER, model=codec.model.sha256[:HASH_BYTES])
    codec.decode(write_stream(header, streams.SECTIONS))


@pytest.mark.parametrize("name", models.MAKERS)
def test_a_hostile_model_is_a_damaged_model(name, tmp_path):
    path = tmp_path / "model.trm"
    path.write_bytes(models.MAKERS[name]())
    with bounded(), pytest.raises(DamagedModel) as caught:
        use(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_model_that_is_only_packed_again_still_works(tmp_path):
    path = tmp_path / "model.trm"
    path.write_bytes(models.with_entries())
    use(path)


def test_a_bit_flipped_anywhere_in_a_models_frame_is_a_damaged_model_or_harmless():
    """The frame is what zipfile parses: all but the entries' content."""
    data = ModelFile.pack({"card.json": models.ENTRIES["card.json"], "gains.npy": models.ENTRIES["gains.npy"]})
    for bit in range(0, 8 * len(data), 3):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        try:
            ModelFile.of(bytes(damaged))
        except DamagedModel:
            continue


def test_a_model_that_cannot_be_read_keeps_no_other_from_being_found(tmp_path, monkeypatch):
    (tmp_path / "folder.trm").mkdir()
    (tmp_path / "gone.trm").symlink_to(tmp_path / "nowhere")
    (tmp_path / "own.trm").write_bytes((streams.GOLDEN / "golden.trm").read_bytes())
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path))
    assert trellic.decode(streams.STREAM).size == (75, 50)
