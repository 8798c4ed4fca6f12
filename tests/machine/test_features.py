"""Features come from the first part of a stream alone, whatever kind of stream it is."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN, textured
from machines import random_networks, textures
from trellic.codec import Codec
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.picture_decoder import PartsMissing
from trellic.container import Stream
from trellic.errors import BadRequest, DamagedModel, DamagedStream, IncompleteStream, MissingModel
from trellic.machine import features as module
from trellic.machine.features import FeatureReader, seen_of
from trellic.machine.latents import BaseLatents, base_of_pixels
from trellic.machine.network import CENTRE, SUFFIX
from trellic.quantize import quantizer_named


def cosine(one, other):
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def test_features_are_what_the_network_makes_of_the_latents_that_were_coded(reader):
    pixels = textured(150, 100)
    found = reader.read(Codec("golden", 1, "uniform").encode(pixels, 40))
    deployed = DeployedQuantizer.of(reader.codec.model, quantizer_named("uniform"))
    latents = base_of_pixels(reader.codec.sessions, pixels, 40 * 256, deployed)
    direct = reader.of_latents(latents, 40 * 256, 100, 150)
    assert (found.map.shape, found.vector.shape) == ((512, 11, 7), (512,))
    assert np.array_equal(found.map, direct.map)
    assert np.array_equal(found.vector, found.map.mean(axis=(1, 2)))


@pytest.mark.parametrize(
    "options",
    [{"tile": 256}, {"tile": 128, "predict": True}, {"quantizer": "lattice"}],
    ids=["tiles", "blocks", "lattice"],
)
def test_every_kind_of_stream_shows_about_the_same(reader, options):
    pixels = textured(300, 420)
    plain = reader.read(reader.codec.encode(pixels, 60))
    other = reader.read(Codec("golden", 1, **options).encode(pixels, 60))
    assert other.map.shape == plain.map.shape == (512, 7, 10)
    assert cosine(other.vector, plain.vector) > 0.99


def test_layers_and_exact_units_show_about_the_same(reader):
    pixels = textured(130, 100)
    plain = reader.read(reader.codec.encode(pixels, 90))
    layered = reader.codec.encode(pixels, 90, layers=2)
    assert cosine(reader.read(layered).vector, plain.vector) > 0.99
    with pytest.warns(PartsMissing, match="layers are missing"):
        reader.read(Stream.parse(layered).keeping(1).copy())
    striped = textures(192, 0, 1)
    plain = reader.read(reader.codec.using(effort=6).encode(striped, 90)).vector  # as the network was fitted
    exact = reader.read(reader.codec.encode(striped, lossless=True)).vector
    assert cosine(exact, plain) > 0.95
    assert np.linalg.norm(exact - plain) < 2 * np.linalg.norm(plain)


@pytest.mark.parametrize(
    ("sides", "seen"),
    [((1, 1), (224, 224)), ((64, 700), (224, 896)), ((896, 600), (320, 224)), ((1900, 2000), (224, 224))],
)
def test_what_is_seen_has_a_shorter_side_that_the_network_knows(reader, sides, seen):
    height, width = sides
    y = np.random.default_rng(0).normal(0, 1, (12, -(-height // 64) * 4, -(-width // 64) * 4)).astype(np.float32)
    assert seen_of(reader.preview, BaseLatents(y, y), 0, width, height).shape == (*seen, 3)


def test_what_lies_beyond_the_picture_is_not_seen(reader):
    y = np.random.default_rng(2).normal(0, 1, (12, 8, 8)).astype(np.float32)
    other = y.copy()
    other[:, 5:], other[:, :, 5:] = 9, 9
    one, same = (seen_of(reader.preview, BaseLatents(each, each), 0, 64, 64) for each in (y, other))
    assert np.array_equal(one, same)


def test_bands_change_nothing(reader, monkeypatch):
    data = reader.codec.encode(textured(300, 100), 50)
    whole = reader.read(data)
    monkeypatch.setattr(module, "BAND", 8)
    assert np.array_equal(reader.read(data).map, whole.map)


def test_large_pictures_are_seen_as_their_reduced_form(reader):
    """In bands, averaged: about what the whole preview is when it is reduced at once."""
    y = np.random.default_rng(1).normal(0, 0.25, (12, 160, 144)).astype(np.float32)
    y = np.repeat(np.repeat(y[:, ::8, ::8], 8, axis=1), 8, axis=2)
    shown = Image.fromarray(reader.preview.show(y, 0.5).transpose(1, 2, 0))
    seen = seen_of(reader.preview, BaseLatents(y, y), 12800, 144 * 16, 160 * 16)
    wanted = np.asarray(shown.resize((seen.shape[1], seen.shape[0]), Image.Resampling.BICUBIC))
    assert np.abs(seen.astype(int) - wanted).mean() < 3


def test_a_stream_of_another_model_is_refused_by_name(reader, codec):
    with pytest.raises(BadRequest, match=f"{codec.model.name[:8]}.*{reader.codec.model.name}"):
        reader.read(codec.encode(textured(64, 64), 50))


def test_a_model_without_a_network_says_so(monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    with pytest.raises(MissingModel, match="fit-features"):
        FeatureReader(Codec("golden", 1))


class Loud:
    """A runtime whose features are as large as numbers can be."""

    def run(self, name, inputs):
        return (np.full((512, *(side // 32 for side in inputs[0].shape[1:])), 3.4e38, np.float32),)


def test_vectors_that_are_too_large_are_one_clear_error(reader):
    arrays = reader.networks.arrays | {CENTRE: np.full(512, -3.4e38, np.float32)}
    reader.networks = replace(reader.networks, arrays=arrays)
    reader.runtime = Loud()
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
