"""Conformance vectors: what every decoder must make of their streams, held for Python's and for the browser's."""

import json

import numpy as np
import pytest
from PIL import Image

from experiments.browser.node import in_node
from second_decoder import node
from trellic import TrellicError, api
from trellic.codec import Codec
from trellic.container import Stream
from trellic.model import Model
from trellic.web.pack import pack_decoder
from vectors import MODELS, TESTS, VECTORS, all_passes

KNOWN = json.loads((VECTORS / "vectors.json").read_text())
DECODED = {vector["stream"]: vector for vector in KNOWN["decoded"]}
REFUSED = {vector["stream"]: vector["error"] for vector in KNOWN["refused"]}


@pytest.fixture(scope="module")
def codecs():
    return {name: Codec(str(path), 1) for name, path in MODELS.items()}


def is_shown(vector: dict, samples: np.ndarray) -> bool:
    """Return whether samples, uint8 (H, W, 4), are those of a vector's picture, within its tolerance."""
    with Image.open(TESTS / vector["picture"]) as picture:
        expected = np.asarray(picture.convert("RGBA")).astype(int)
    return samples.shape == expected.shape and np.abs(samples - expected).max() <= vector["tolerance"]


@pytest.mark.parametrize("name", DECODED)
def test_python_decodes_a_vector(codecs, name):
    vector, codec = DECODED[name], codecs[DECODED[name]["model"]]
    stream = Stream.parse((TESTS / name).read_bytes())
    assert codec.verify(stream) == vector["indices"]
    assert all_passes(codec, stream) == vector["tiles"]
    assert is_shown(vector, np.asarray(codec.decode(stream).convert("RGBA")))


@pytest.mark.parametrize("name", REFUSED)
def test_python_refuses_a_vector(name, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(TESTS / "golden"))
    with pytest.raises(TrellicError) as caught:
        api.decode((TESTS / name).read_bytes())
    assert type(caught.value).__name__ == REFUSED[name]


@node
def test_the_browsers_decoder_agrees_with_every_vector(tmp_path):
    halves = {path.stem: pack_decoder(Model.read(path)) for path in MODELS.values()}
    names = {name: f"stream_{number}" for number, name in enumerate((*DECODED, *REFUSED))}
    found = in_node(tmp_path, {each: (TESTS / name).read_bytes() for name, each in names.items()}, halves)
    decoded = {name: found[names[name]] for name in DECODED}
    refused = {name: found[names[name]] for name in REFUSED}
    assert {name: one.get("digest") for name, one in decoded.items()} == {
        name: vector["indices"] for name, vector in DECODED.items()
    }
    assert all(is_shown(DECODED[name], one["data"]) for name, one in decoded.items())
    assert {name: one.get("kind") for name, one in refused.items()} == REFUSED


def test_models_of_vectors_never_change(codecs):
    assert {name: codec.model.sha256.hex() for name, codec in codecs.items()} == KNOWN["models"]


def test_every_stream_is_listed():
    there = {str(path.relative_to(TESTS)) for path in VECTORS.rglob("*.tlic")}
    assert there <= {*DECODED, *REFUSED}
