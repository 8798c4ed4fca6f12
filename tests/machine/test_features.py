"""Features come from the first part of a stream alone, whatever kind of stream it is."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import GOLDEN, textured
from machines import random_networks
from trellic.codec import Codec
from trellic.codec.deployed import DeployedQuantizer
from trellic.errors import BadRequest, DamagedModel, DamagedStream, IncompleteStream, MissingModel
from trellic.machine import features as module
from trellic.machine.features import FeatureReader
from trellic.machine.latents import base_of_pixels
from trellic.machine.network import DISTANCES, SCALE, SUFFIX, distance_of
from trellic.quantize import quantizer_named


def cosine(one, other):
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def test_features_are_what_the_network_makes_of_the_latents_that_were_coded(reader):
    pixels = textured(150, 100)
    found = reader.read(Codec("golden", 1, "uniform").encode(pixels, 40))
    deployed = DeployedQuantizer.of(reader.codec.model, quantizer_named("uniform"))
    latents = base_of_pixels(reader.codec.sessions, pixels, 40 * 256, deployed)
    direct = reader.of_latents(latents, 40 * 256, 100, 150)
    assert (found.map.shape, found.vector.shape) == ((256, 5, 4), (512,))
    assert np.array_equal(found.map, direct.map)
    assert np.array_equal(found.vector, np.concatenate([found.map.mean(axis=(1, 2)), found.map.max(axis=(1, 2))]))


@pytest.mark.parametrize(
    "options",
    [{"tile": 256}, {"tile": 128, "predict": True}, {"quantizer": "lattice"}],
    ids=["tiles", "blocks", "lattice"],
)
def test_every_kind_of_stream_shows_about_the_same(reader, options):
    pixels = textured(300, 420)
    plain = reader.read(reader.codec.encode(pixels, 60))
    other = reader.read(Codec("golden", 1, **options).encode(pixels, 60))
    assert other.map.shape == plain.map.shape == (256, 10, 14)
    assert cosine(other.vector, plain.vector) > 0.99


def test_layers_and_exact_units_show_about_the_same(reader):
    pixels = textured(130, 100)
    plain = reader.read(reader.codec.encode(pixels, 90))
    layered = reader.codec.encode(pixels, 90, layers=2)
    assert cosine(reader.read(layered).vector, plain.vector) > 0.99
    assert cosine(reader.read(reader.codec.encode(pixels, lossless=True)).vector, plain.vector) > 0.95


def test_large_pictures_are_looked_at_from_afar(reader):
    assert [distance_of(*sides) for sides in ((512, 9000), (513, 600))] == list(DISTANCES)
    assert reader.read(reader.codec.encode(textured(520, 560), 20)).map.shape == (256, 9, 9)


def test_bands_change_nothing(reader, monkeypatch):
    data = reader.codec.encode(textured(300, 100), 50)
    whole = reader.read(data)
    monkeypatch.setattr(module, "BAND", 8)
    monkeypatch.setattr(module, "MARGIN", 4)
    assert np.allclose(reader.read(data).map, whole.map, rtol=1e-5)


def test_a_stream_of_another_model_is_refused_by_name(reader, codec):
    with pytest.raises(BadRequest, match=f"{codec.model.name[:8]}.*{reader.codec.model.name}"):
        reader.read(codec.encode(textured(64, 64), 50))


def test_a_model_without_a_network_says_so(monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    with pytest.raises(MissingModel, match="train-features"):
        FeatureReader(Codec("golden", 1))


def test_vectors_of_no_size_are_one_clear_error(reader):
    arrays = reader.networks.arrays | {SCALE: np.full(512, 1e-40, np.float32)}
    reader.networks = replace(reader.networks, arrays=arrays)
    with pytest.raises(DamagedModel, match="too large"):
        reader.read(reader.codec.encode(textured(64, 64), 50))


def test_damage_is_found(reader):
    data = bytearray(reader.codec.encode(textured(64, 64), 50))
    data[-9] ^= 1
    with pytest.raises(DamagedStream):
        reader.read(bytes(data))


def test_what_lies_after_is_neither_decoded_nor_needed(codec, tmp_path, monkeypatch):
    """The shipped model: no networks of later groups are loaded, no synthesis; a file that ends before them will do."""
    own, data = Codec(threads=1), codec.encode(textured(128, 192), 95)
    (tmp_path / f"{own.model.name}{SUFFIX}").write_bytes(random_networks(own.model).pack())
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path))
    reader = FeatureReader(own)
    whole = reader.read(data)
    assert set(own.sessions._sessions) <= {"hyper_synthesis", "first_0", "second_0", "first_1", "second_1"}
    cut = reader.read(data[: len(data) * 7 // 8])
    assert np.array_equal(cut.map, whole.map)
    with pytest.raises(IncompleteStream):
        reader.read(data[: len(data) // 8])
